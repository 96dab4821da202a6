"""The letters that byte-level BPE writes bytes with."""


def byte_letters() -> dict[str, int]:
    """Letter -> byte, as in GPT-2's encoder: printable Latin-1 stands for itself, the rest from U+0100 on."""
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = {chr(byte): byte for byte in own}
    for number, byte in enumerate(byte for byte in range(256) if byte not in own):
        letters[chr(256 + number)] = byte
    return letters
