#!/bin/sh
# Writes a file as a C array: embed.sh INPUT OUTPUT NAME
set -e
{
    echo "extern const char $3[];"
    echo "extern const unsigned ${3}_size;"
    echo "const char $3[] = {"
    od -An -v -tx1 "$1" | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'
    echo '};'
    echo "const unsigned ${3}_size = sizeof $3;"
} > "$2"
