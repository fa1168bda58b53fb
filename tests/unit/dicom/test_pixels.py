import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from screener.dicom.decoders import DECODERS, working_transfer_syntaxes
from screener.dicom.pixels import MAX_PIXELS, decode, read_radiograph
from screener.domain.errors import (
    FileUnavailable,
    MissingAttribute,
    OutOfMemory,
    UnsupportedPixels,
)
from tests.support.synthetic_dicom import (
    BITS,
    COLUMNS,
    LOSSLESS_SYNTAXES,
    LOSSY_SYNTAXES,
    ROWS,
    chest_pixels,
    encode,
    put,
    synthetic_film,
)


def film_bytes(transfer_syntax: str = ExplicitVRLittleEndian, **overrides: Any) -> bytes:
    return encode(synthetic_film(**overrides), transfer_syntax)


def encapsulated(transfer_syntax: str, pixel_data: bytes, **overrides: Any) -> bytes:
    """Return a film whose encapsulated pixel data are given byte by byte."""
    header = film_bytes(transfer_syntax, PixelData=None, **overrides)
    return header + b"\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff" + pixel_data


def item(content: bytes) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content


DELIMITER = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def codestream(transfer_syntax: str, **overrides: Any) -> bytes:
    """Return the codestream of a film, padded to an even length."""
    encoded = film_bytes(transfer_syntax, **overrides)
    content = encoded[encoded.index(b"\xe0\x7f\x10\x00OB") + 12 :]
    (table,) = struct.unpack_from("<I", content, 4)
    (length,) = struct.unpack_from("<I", content, 12 + table)
    return content[16 + table : 16 + table + length]


@pytest.mark.parametrize("transfer_syntax", LOSSLESS_SYNTAXES)
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_pixels_come_back_unchanged_from_every_lossless_transfer_syntax(
    transfer_syntax: str, bits: int
) -> None:
    film = decode(film_bytes(transfer_syntax, BitsStored=bits))

    assert np.array_equal(film.stored, chest_pixels(bits))
    assert film.stored.dtype == np.uint16
    assert film.digest == decode(film_bytes(BitsStored=bits)).digest


@pytest.mark.parametrize("transfer_syntax", LOSSLESS_SYNTAXES)
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_signed_pixels_come_back_unchanged(transfer_syntax: str, bits: int) -> None:
    pixels = (chest_pixels(bits).astype(np.int32) - (1 << (bits - 1))).astype(np.int16)

    film = decode(film_bytes(transfer_syntax, pixels=pixels, BitsStored=bits))

    assert np.array_equal(film.stored, pixels)
    assert film.stored.dtype == np.int16


@pytest.mark.parametrize("transfer_syntax", LOSSY_SYNTAXES)
def test_pixels_come_back_nearly_from_a_lossy_transfer_syntax(transfer_syntax: str) -> None:
    bits = 8 if transfer_syntax == JPEGBaseline8Bit else BITS

    film = decode(film_bytes(transfer_syntax, BitsStored=bits))

    assert np.abs(film.stored.astype(int) - chest_pixels(bits)).max() <= 4


@pytest.mark.parametrize(
    "transfer_syntax",
    [
        ExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        ImplicitVRLittleEndian,
        DeflatedExplicitVRLittleEndian,
        RLELossless,
        JPEGLossless,
    ],
)
def test_pixels_of_eight_bits_lie_in_cells_of_one_or_two_bytes(transfer_syntax: str) -> None:
    narrow = decode(film_bytes(transfer_syntax, BitsStored=8, BitsAllocated=8))
    wide = decode(film_bytes(transfer_syntax, BitsStored=8, BitsAllocated=16))

    assert np.array_equal(narrow.stored, chest_pixels(8))
    assert narrow.digest == wide.digest


@pytest.mark.parametrize("transfer_syntax", [ExplicitVRLittleEndian, RLELossless])
def test_cells_of_four_bytes_are_read(transfer_syntax: str) -> None:
    film = decode(film_bytes(transfer_syntax, BitsAllocated=32))

    assert np.array_equal(film.stored, chest_pixels())


def test_an_odd_number_of_pixels_in_swapped_words_is_read() -> None:
    pixels = chest_pixels(8, rows=3, columns=5)
    padded = pixels.astype(np.uint8).tobytes() + b"\0"

    film = decode(
        film_bytes(
            ExplicitVRBigEndian, pixels=pixels, BitsStored=8, BitsAllocated=8, PixelData=padded
        )
    )

    assert np.array_equal(film.stored, pixels)


@pytest.mark.parametrize("transfer_syntax", [ExplicitVRLittleEndian, RLELossless])
@pytest.mark.parametrize("signed", [False, True])
def test_stored_bits_may_lie_high_in_their_cell_with_overlays_around(
    transfer_syntax: str, signed: bool
) -> None:
    pixels = chest_pixels(10)
    overlays = np.random.default_rng(1).integers(0, 1 << 16, pixels.shape, dtype=np.uint16)
    cells = (overlays & np.uint16(0xE007)) | (pixels << np.uint16(3))

    film = decode(
        film_bytes(
            transfer_syntax,
            pixels=cells,
            BitsStored=10,
            HighBit=12,
            PixelRepresentation=int(signed),
        )
    )

    expected = pixels.astype(np.int32)
    if signed:
        expected[expected >= 512] -= 1024
    assert np.array_equal(film.stored, expected)


def test_overlay_bits_above_the_stored_bits_are_not_pixels() -> None:
    cells = chest_pixels() | np.uint16(0x8000)

    film = decode(film_bytes(pixels=cells))

    assert film.digest == decode(film_bytes()).digest


def test_a_codestream_may_hold_the_whole_cell() -> None:
    cells = (chest_pixels() << np.uint16(4)) | np.uint16(0x0005)
    whole_cell = codestream(JPEGLossless, pixels=cells, BitsStored=16)
    pixel_data = item(b"") + item(whole_cell) + DELIMITER

    film = decode(encapsulated(JPEGLossless, pixel_data, BitsStored=12, HighBit=15))

    assert np.array_equal(film.stored, chest_pixels())


def test_a_codestream_may_hold_the_stored_bits_alone_whatever_the_high_bit() -> None:
    pixel_data = item(b"") + item(codestream(JPEGLossless)) + DELIMITER

    film = decode(encapsulated(JPEGLossless, pixel_data, HighBit=15))

    assert np.array_equal(film.stored, chest_pixels())


def test_a_signed_codestream_of_fewer_bits_keeps_its_sign() -> None:
    pixels = (chest_pixels(10).astype(np.int32) - 512).astype(np.int16)
    ten_bits = codestream(JPEGLossless, pixels=pixels, BitsStored=10)
    pixel_data = item(b"") + item(ten_bits) + DELIMITER

    film = decode(encapsulated(JPEGLossless, pixel_data, BitsStored=16, PixelRepresentation=1))

    assert np.array_equal(film.stored, pixels)


def test_the_digest_tells_other_values_and_another_shape() -> None:
    pixels = chest_pixels()
    changed = pixels.copy()
    changed[0, 0] ^= 1

    digests = {
        decode(film_bytes(pixels=array)).digest
        for array in (pixels, changed, pixels.reshape(COLUMNS, ROWS), pixels[:, ::-1])
    }

    assert len(digests) == 4
    assert all(len(digest) == 64 for digest in digests)


def test_the_digest_does_not_change_with_the_sign_where_nothing_is_negative() -> None:
    pixels = chest_pixels(11)

    signed = decode(film_bytes(pixels=pixels.astype(np.int16)))

    assert signed.stored.dtype == np.int16
    assert signed.digest == decode(film_bytes(pixels=pixels)).digest


def test_a_negative_pixel_is_not_the_large_one_with_the_same_bits() -> None:
    pixels = chest_pixels(16) | np.uint16(0x8000)

    unsigned = decode(film_bytes(pixels=pixels, BitsStored=16))
    signed = decode(film_bytes(pixels=pixels.view(np.int16), BitsStored=16))

    assert unsigned.digest != signed.digest


def test_a_file_is_decoded_like_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "film.dcm"
    path.write_bytes(film_bytes(JPEGLosslessSV1))

    assert decode(path).digest == decode(film_bytes()).digest


@pytest.mark.parametrize("transfer_syntax", [JPEGLossless, JPEGLSLossless, JPEG2000Lossless])
@pytest.mark.parametrize("pieces", [1, 2, 7])
@pytest.mark.parametrize("offsets", [False, True])
def test_a_frame_may_come_in_several_fragments(
    transfer_syntax: str, pieces: int, offsets: bool
) -> None:
    whole = codestream(transfer_syntax)
    pixel_data = encapsulate([whole], fragments_per_frame=pieces, has_bot=offsets) + DELIMITER

    film = decode(encapsulated(transfer_syntax, pixel_data))

    assert np.array_equal(film.stored, chest_pixels())


@pytest.mark.parametrize("missing", [1, 2, 1000, ROWS * COLUMNS * 2])
@pytest.mark.parametrize("transfer_syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_a_file_that_ends_before_its_pixels_is_truncated(
    transfer_syntax: str, missing: int
) -> None:
    with pytest.raises(UnsupportedPixels) as refused:
        decode(film_bytes(transfer_syntax)[:-missing])

    assert refused.value.truncated


def test_a_header_that_promises_more_pixels_than_there_are_is_truncated() -> None:
    with pytest.raises(UnsupportedPixels, match="6144 of 6272 pixel bytes") as refused:
        decode(film_bytes(Rows=ROWS + 1))

    assert refused.value.truncated


def test_more_pixel_bytes_than_promised_are_passed_over() -> None:
    film = decode(film_bytes(Rows=ROWS - 1))

    assert np.array_equal(film.stored, chest_pixels()[:-1])


@pytest.mark.parametrize("transfer_syntax", DECODERS)
@pytest.mark.parametrize("left", [0.0, 0.3, 0.9, 0.99])
def test_an_encapsulated_film_that_is_cut_off_is_truncated(
    transfer_syntax: str, left: float
) -> None:
    bits = 8 if transfer_syntax == JPEGBaseline8Bit else BITS
    whole = film_bytes(transfer_syntax, BitsStored=bits)
    begin = whole.index(b"\xe0\x7f\x10\x00OB") + 12

    with pytest.raises(UnsupportedPixels) as refused:
        decode(whole[: begin + int(left * (len(whole) - begin))])

    assert refused.value.truncated


def test_a_film_without_its_last_delimiter_is_truncated() -> None:
    with pytest.raises(UnsupportedPixels, match="before their delimiter") as refused:
        decode(film_bytes(JPEGLossless)[:-8])

    assert refused.value.truncated


@pytest.mark.parametrize(
    "pixel_data", [DELIMITER, item(b"") + DELIMITER, item(b"") * 3 + DELIMITER]
)
def test_a_frame_without_fragments_is_truncated(pixel_data: bytes) -> None:
    with pytest.raises(UnsupportedPixels, match="no fragment") as refused:
        decode(encapsulated(JPEGLossless, pixel_data + DELIMITER))

    assert refused.value.truncated


@pytest.mark.parametrize("transfer_syntax", [ExplicitVRLittleEndian, JPEGLossless])
def test_a_film_without_pixel_data_is_truncated(transfer_syntax: str) -> None:
    with pytest.raises(UnsupportedPixels, match="no Pixel Data") as refused:
        decode(film_bytes(transfer_syntax, PixelData=None))

    assert refused.value.truncated


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"Rows": None}, "how many rows"),
        ({"Columns": 0}, "how many rows"),
        ({"Rows": 20_000, "Columns": 20_000}, "at most 100 million"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "one grey frame"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "one grey frame"),
        ({"PhotometricInterpretation": None}, "one grey frame"),
        ({"NumberOfFrames": "2"}, "one grey frame"),
        ({"BitsAllocated": 12}, "bits stored in 12 allocated"),
        ({"BitsAllocated": None}, "bits stored in 0 allocated"),
        ({"BitsAllocated": 8}, "12 bits stored in 8"),
        ({"BitsAllocated": 32, "BitsStored": 20}, "20 bits stored"),
        ({"BitsStored": None}, "0 bits stored"),
        ({"HighBit": 10}, "the high bit is 10"),
        ({"HighBit": 16}, "the high bit is 16"),
    ],
)
def test_pixels_that_no_radiograph_has_are_refused(overrides: dict[str, Any], message: str) -> None:
    pixel_data = chest_pixels().tobytes()

    with pytest.raises(UnsupportedPixels, match=message) as refused:
        decode(film_bytes(PixelData=pixel_data, **overrides))

    assert not refused.value.truncated


def test_a_missing_high_bit_and_number_of_samples_are_the_usual_ones() -> None:
    film = decode(film_bytes(HighBit=None, SamplesPerPixel=None, PixelRepresentation=None))

    assert np.array_equal(film.stored, chest_pixels())


@pytest.mark.parametrize("transfer_syntax", [JPEGLossless, JPEGLSLossless, JPEG2000Lossless])
def test_a_codestream_larger_than_the_header_says_is_refused_before_it_is_decoded(
    transfer_syntax: str,
) -> None:
    bomb = codestream(transfer_syntax, pixels=np.zeros((1024, 2048), dtype=np.uint16))
    pixel_data = item(b"") + item(bomb) + DELIMITER

    with pytest.raises(UnsupportedPixels, match="the codestream has 1024 x 2048 pixels"):
        decode(encapsulated(transfer_syntax, pixel_data))


def test_a_deflated_data_set_that_grows_without_end_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("screener.dicom.dataset.MAX_INFLATED_BYTES", 1_000_000)
    bomb = film_bytes(DeflatedExplicitVRLittleEndian, PixelData=bytes(2_000_000))

    with pytest.raises(UnsupportedPixels, match="grows beyond"):
        decode(bomb)


def test_the_largest_film_allowed_is_larger_than_any_detector() -> None:
    assert MAX_PIXELS > (430 / 0.05) ** 2


def test_native_pixels_in_an_encapsulated_syntax_are_refused() -> None:
    film = synthetic_film()
    native = encode(film)[len(encode(synthetic_film(PixelData=None))) :]

    with pytest.raises(UnsupportedPixels, match="not encapsulated as"):
        decode(film_bytes(JPEGLossless, PixelData=None) + native)


def test_encapsulated_pixels_in_a_native_syntax_are_refused() -> None:
    with pytest.raises(UnsupportedPixels, match="in an uncompressed transfer syntax"):
        decode(encapsulated(ExplicitVRLittleEndian, item(b"") + item(b"abcd") + DELIMITER))


def test_a_transfer_syntax_that_nobody_knows_is_refused() -> None:
    film = film_bytes(JPEGLossless).replace(b"1.2.840.10008.1.2.4.57", b"1.2.840.10008.1.2.4.99")

    with pytest.raises(UnsupportedPixels, match="no decoder"):
        decode(film)


def test_a_codestream_of_more_than_sixteen_bits_is_refused() -> None:
    stream = bytearray(codestream(JPEG2000Lossless))
    stream[42] = 23  # SIZ: 24 bits
    pixel_data = item(b"") + item(bytes(stream)) + DELIMITER

    with pytest.raises(UnsupportedPixels):
        decode(encapsulated(JPEG2000Lossless, pixel_data))


@pytest.mark.parametrize("garbage", [b"", b"garbage" * 100, bytes(4096)])
def test_what_is_no_data_set_is_refused(garbage: bytes) -> None:
    with pytest.raises(UnsupportedPixels):
        decode(garbage)


@pytest.mark.parametrize("transfer_syntax", working_transfer_syntaxes())
def test_a_radiograph_is_grey_between_0_and_1_with_its_spacing(transfer_syntax: str) -> None:
    bits = 8 if transfer_syntax == JPEGBaseline8Bit else BITS
    film = film_bytes(
        transfer_syntax,
        BitsStored=bits,
        WindowCenter=str(1 << (bits - 1)),
        WindowWidth=str(1 << bits),
        ImagerPixelSpacing=["0.14", "0.16"],
    )

    radiograph = read_radiograph(film)

    expected = chest_pixels(bits) / ((1 << bits) - 1)
    assert radiograph.pixels.dtype == np.float32
    assert radiograph.pixels.flags.c_contiguous
    assert np.abs(radiograph.pixels - expected).max() < 0.02
    assert radiograph.spacing_mm == (0.14, 0.16)


def test_monochrome1_and_monochrome2_of_the_same_film_are_the_same_radiograph() -> None:
    pixels = chest_pixels()
    inverse = np.uint16((1 << BITS) - 1) - pixels

    bright_high = read_radiograph(film_bytes(pixels=pixels))
    bright_low = read_radiograph(
        film_bytes(pixels=inverse, PhotometricInterpretation="MONOCHROME1")
    )

    spine, lung = (ROWS // 2, COLUMNS // 2), (ROWS // 2, COLUMNS // 4)
    assert np.allclose(bright_high.pixels, bright_low.pixels, atol=1e-6)
    assert bright_low.pixels[spine] > bright_low.pixels[lung]


@pytest.mark.parametrize(
    ("attributes", "stored", "expected"),
    [
        # PS3.3 C.11.2.1.2.1: centre 2048, width 4096 is the identity of 12 bits
        ({"WindowCenter": "2048", "WindowWidth": "4096"}, [0, 2047, 4095], [0, 2047 / 4095, 1]),
        # width 1 is a threshold
        ({"WindowCenter": "2048", "WindowWidth": "1"}, [2047, 2048], [0, 1]),
        ({"WindowCenter": "0", "WindowWidth": "100"}, [0, 49, 50], [50 / 99, 1, 1]),
        # only the first of several windows speaks
        (
            {"WindowCenter": ["2048", "100"], "WindowWidth": ["4096", "10"]},
            [0, 4095],
            [0, 1],
        ),
        # PS3.3 C.11.2.1.3
        (
            {"VOILUTFunction": "LINEAR_EXACT", "WindowCenter": "2048", "WindowWidth": "4096"},
            [0, 1024, 2048],
            [0, 0.25, 0.5],
        ),
        (
            {"VOILUTFunction": "SIGMOID", "WindowCenter": "2000", "WindowWidth": "1000"},
            [1000, 2000, 2500],
            [1 / (1 + np.e**4), 0.5, 1 / (1 + np.e**-2)],
        ),
        # after rescale, in its units
        (
            {
                "RescaleSlope": "2",
                "RescaleIntercept": "-1000",
                "WindowCenter": "500.5",
                "WindowWidth": "1001",
            },
            [500, 750, 1000],
            [0, 0.5, 1],
        ),
        # a function that nobody knows is linear
        (
            {"VOILUTFunction": "CUBIC", "WindowCenter": "2048", "WindowWidth": "4096"},
            [0, 4095],
            [0, 1],
        ),
        # no window, or none that can be: the full range of the film
        ({"WindowCenter": None, "WindowWidth": None}, [1000, 1500, 2000], [0, 0.5, 1]),
        ({"WindowCenter": "1500", "WindowWidth": "0"}, [1000, 1500, 2000], [0, 0.5, 1]),
        ({"WindowCenter": "1500", "WindowWidth": None}, [1000, 1500, 2000], [0, 0.5, 1]),
        (
            {"VOILUTFunction": "SIGMOID", "WindowCenter": "1500", "WindowWidth": "-5"},
            [1000, 2000],
            [0, 1],
        ),
        # one value only: nothing to see
        ({"WindowCenter": None}, [1000, 1000], [0, 0]),
        # a slope of 0 is sent for "no rescale"
        ({"RescaleSlope": "0", "RescaleIntercept": None}, [0, 4095], [0, 1]),
        # an absurd slope: no number, and no warning
        ({"RescaleSlope": "1e308", "WindowCenter": None}, [0, 1, 4095], [0, 0, 0]),
    ],
)
def test_stored_values_become_grey_as_the_header_asks(
    attributes: dict[str, Any], stored: list[int], expected: list[float]
) -> None:
    pixels = np.array([stored], dtype=np.uint16)

    radiograph = read_radiograph(film_bytes(pixels=pixels, **attributes))

    assert radiograph.pixels[0] == pytest.approx(expected, abs=1e-5)


def lookup_table(
    first: int, entries: list[int], bits: int, *, descriptor: list[int] | None = None
) -> Dataset:
    dataset = Dataset()
    put(dataset, "LUTDescriptor", descriptor or [len(entries), first, bits], vr="US")
    put(dataset, "LUTData", np.array(entries, dtype="<u2").tobytes(), vr="OW")
    return dataset


@pytest.mark.parametrize(
    "transfer_syntax",
    [ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLossless],
)
def test_a_modality_lut_comes_before_the_window(transfer_syntax: str) -> None:
    pixels = np.array([[0, 10, 11, 12, 13, 4095]], dtype=np.uint16)

    radiograph = read_radiograph(
        film_bytes(
            transfer_syntax,
            pixels=pixels,
            ModalityLUTSequence=[lookup_table(10, [100, 150, 200, 300], 16)],
            WindowCenter="200.5",
            WindowWidth="201",
        )
    )

    # off its ends the table's first and last entries hold
    assert radiograph.pixels[0] == pytest.approx([0, 0, 0.25, 0.5, 1, 1], abs=1e-6)


def test_a_voi_lut_comes_before_a_window_and_is_scaled_by_its_bits() -> None:
    pixels = np.array([[99, 100, 101, 102, 103]], dtype=np.uint16)

    radiograph = read_radiograph(
        film_bytes(pixels=pixels, VOILUTSequence=[lookup_table(100, [0, 255, 512, 1023], 10)])
    )

    assert radiograph.pixels[0] == pytest.approx(np.array([0, 0, 255, 512, 1023]) / 1023)


def test_a_voi_lut_may_begin_below_zero() -> None:
    pixels = np.array([[-2, -1, 0, 1]], dtype=np.int16)
    table = lookup_table(65534, [10, 20, 30, 255], 8)

    radiograph = read_radiograph(film_bytes(pixels=pixels, VOILUTSequence=[table]))

    assert radiograph.pixels[0] == pytest.approx(np.array([10, 20, 30, 255]) / 255)


def test_entries_of_eight_bits_may_lie_in_single_bytes() -> None:
    table = lookup_table(0, [], 8, descriptor=[4, 0, 8])
    put(table, "LUTData", bytes([0, 51, 102, 255]), vr="OW")

    radiograph = read_radiograph(
        film_bytes(pixels=np.array([[0, 1, 2, 3]], dtype=np.uint16), VOILUTSequence=[table])
    )

    assert radiograph.pixels[0] == pytest.approx([0, 0.2, 0.4, 1])


def test_zero_entries_stand_for_65536() -> None:
    table = lookup_table(0, list(range(65536)), 16, descriptor=[0, 0, 16])

    radiograph = read_radiograph(
        film_bytes(pixels=np.array([[0, 65535]], np.uint16), BitsStored=16, VOILUTSequence=[table])
    )

    assert radiograph.pixels[0].tolist() == [0, 1]


@pytest.mark.parametrize(
    "table",
    [
        lookup_table(0, [1, 2], 16, descriptor=[9, 0, 16]),
        lookup_table(0, [1, 2], 16, descriptor=[2, 0]),
        Dataset(),
    ],
)
def test_a_voi_lut_that_cannot_be_read_gives_way_to_the_window(table: Dataset) -> None:
    with_table, without = (
        read_radiograph(film_bytes(VOILUTSequence=sequence)) for sequence in ([table], None)
    )

    assert np.array_equal(with_table.pixels, without.pixels)


def test_a_modality_lut_that_cannot_be_read_leaves_the_digest_and_no_radiograph() -> None:
    film = decode(film_bytes(ModalityLUTSequence=[Dataset()]))

    assert film.digest == decode(film_bytes()).digest
    with pytest.raises(UnsupportedPixels, match="Modality LUT"):
        film.radiograph()


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_takes_no_part_in_the_range(photometric: str) -> None:
    pixels = np.array([[4000, 1000, 1500, 2000, 4010]], dtype=np.uint16)

    radiograph = read_radiograph(
        film_bytes(
            pixels=pixels,
            PhotometricInterpretation=photometric,
            WindowCenter=None,
            PixelPaddingValue=4000,
            PixelPaddingRangeLimit=4010,
        )
    )

    middle = [0, 0.5, 1] if photometric == "MONOCHROME2" else [1, 0.5, 0]
    assert radiograph.pixels[0] == pytest.approx([0, *middle, 0])


def test_padding_of_signed_pixels_may_be_negative() -> None:
    pixels = np.array([[-2000, 0, 500, 1000]], dtype=np.int16)

    radiograph = read_radiograph(
        film_bytes(pixels=pixels, WindowCenter=None, PixelPaddingValue=-2000)
    )

    assert radiograph.pixels[0] == pytest.approx([0, 0, 0.5, 1])


def test_a_film_of_padding_alone_is_black() -> None:
    pixels = np.full((2, 3), 7, dtype=np.uint16)

    radiograph = read_radiograph(film_bytes(pixels=pixels, WindowCenter=None, PixelPaddingValue=7))

    assert not radiograph.pixels.any()


def test_a_film_without_spacing_has_a_digest_and_no_radiograph() -> None:
    film = decode(film_bytes(ImagerPixelSpacing=None))

    assert film.digest == decode(film_bytes()).digest
    with pytest.raises(MissingAttribute):
        film.radiograph()


@settings(max_examples=60, deadline=None)
@given(
    slope=st.floats(0.1, 4),
    intercept=st.integers(-2000, 2000),
    centre=st.integers(-500, 5000),
    width=st.integers(2, 8000),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)
def test_grey_equals_that_of_pydicom(
    slope: float, intercept: int, centre: int, width: int, function: str
) -> None:
    film = synthetic_film(
        RescaleSlope=f"{slope:.6g}",
        RescaleIntercept=str(intercept),
        WindowCenter=str(centre),
        WindowWidth=str(width),
        VOILUTFunction=function,
    )
    with np.errstate(over="ignore"):
        reference = apply_voi_lut(apply_modality_lut(chest_pixels(), film), film)
    low = intercept
    high = float(film.RescaleSlope) * ((1 << BITS) - 1) + intercept

    radiograph = read_radiograph(encode(film))

    # pydicom stretches to the range of the rescaled values, we to 0..1
    assert np.allclose(radiograph.pixels, (reference - low) / (high - low), atol=1e-4)


@settings(max_examples=200, deadline=None)
@given(
    transfer_syntax=st.sampled_from([*LOSSLESS_SYNTAXES, *LOSSY_SYNTAXES]),
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), min_size=1, max_size=6),
    end=st.floats(0.3, 1.2),
)
def test_a_damaged_film_is_decoded_or_refused_and_nothing_else(
    transfer_syntax: str, flips: list[tuple[float, int]], end: float
) -> None:
    damaged = bytearray(_whole_film(transfer_syntax))
    for where, bit in flips:
        damaged[int(where * (len(damaged) - 1))] ^= 1 << bit
    del damaged[int(end * len(damaged)) :]

    try:
        film = decode(bytes(damaged))
        radiograph = film.radiograph()
    except (UnsupportedPixels, MissingAttribute):
        return

    assert radiograph.pixels.shape == film.stored.shape
    assert 0 <= radiograph.pixels.min() <= radiograph.pixels.max() <= 1


def _whole_film(transfer_syntax: str) -> bytes:
    if transfer_syntax not in _FILMS:
        bits = 8 if transfer_syntax == JPEGBaseline8Bit else BITS
        _FILMS[transfer_syntax] = film_bytes(transfer_syntax, BitsStored=bits)
    return _FILMS[transfer_syntax]


_FILMS: dict[str, bytes] = {}


def test_a_disk_that_fails_is_no_fault_of_the_film(tmp_path: Path) -> None:
    # what the system says of a folder is, to us, what it says of a broken disk
    with pytest.raises(FileUnavailable):
        decode(tmp_path)


def test_too_little_memory_is_no_fault_of_the_film(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(np, "frombuffer", no_memory)

    with pytest.raises(OutOfMemory):
        decode(film_bytes())
