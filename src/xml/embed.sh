#!/bin/sh
# Writes a file as a C array: embed.sh INPUT OUTPUT
set -e
{
    echo 'extern const char es_schema[];'
    echo 'extern const unsigned es_schema_size;'
    echo 'const char es_schema[] = {'
    od -An -v -tx1 "$1" | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'
    echo '};'
    echo 'const unsigned es_schema_size = sizeof es_schema;'
} > "$2"
