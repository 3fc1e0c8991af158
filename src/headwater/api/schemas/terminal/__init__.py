"""What the terminal API sends and takes: camelCase, times in ms and s, numbers as text too."""
