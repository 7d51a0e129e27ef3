"""Fields beside their originals and beside other codecs, in numbers; nothing here prints or decides."""
