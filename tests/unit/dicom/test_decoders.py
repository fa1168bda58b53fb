import struct
import time

import numpy as np
import pytest
import rle.utils
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from screener.dicom.decoders import (
    DECODERS,
    NATIVE_TRANSFER_SYNTAXES,
    RARE_TRANSFER_SYNTAXES,
    Decoder,
    DecoderReport,
    FrameShape,
    Samples,
    decode_frame,
    decoder_report,
    decodes_exactly,
    working_transfer_syntaxes,
)
from screener.dicom.probes import PROBES, Probe, ramp
from screener.domain.errors import UnsupportedPixels

ALL_PROBES = [(uid, probe) for uid, probes in PROBES.items() for probe in probes]
#: JPEG Lossless of 12 rows and 18 columns, 12 bits
PROBE = PROBES[JPEGLosslessSV1][0]
SHAPE = FrameShape(rows=12, columns=18, bits_allocated=16)


@pytest.mark.parametrize(
    ("uid", "decoder"),
    [(uid, decoder) for uid, decoders in DECODERS.items() for decoder in decoders],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_every_decoder_gives_the_pixels_of_its_probes(uid: str, decoder: Decoder) -> None:
    assert all(decodes_exactly(decoder, probe) for probe in PROBES[uid])


@pytest.mark.parametrize(("uid", "probe"), ALL_PROBES)
def test_a_decoder_that_errs_by_more_than_a_probe_allows_is_not_exact(
    uid: str, probe: Probe
) -> None:
    right = probe.pixels()

    def off(by: int) -> Decoder:
        wrong = right.astype(np.int32)
        wrong[3, 5] += by
        return Decoder(name="off", decode=lambda _codestream, _shape: wrong)

    assert decodes_exactly(off(probe.tolerance), probe)
    assert not decodes_exactly(off(probe.tolerance + 1), probe)


def test_a_decoder_that_fails_or_gives_another_size_is_not_exact() -> None:
    def fail(_codestream: bytes, _shape: FrameShape) -> Samples:
        raise RuntimeError

    transposed = Decoder(name="transposed", decode=lambda _data, _shape: ramp(12).T)

    assert not decodes_exactly(Decoder(name="failing", decode=fail), PROBE)
    assert not decodes_exactly(transposed, PROBE)


def test_every_known_transfer_syntax_is_accepted_where_all_packages_are_installed() -> None:
    assert set(working_transfer_syntaxes()) == {*DECODERS, *NATIVE_TRANSFER_SYNTAXES}
    assert set(DECODERS) == set(PROBES)


def test_asking_again_which_transfer_syntaxes_work_costs_nothing() -> None:
    first = working_transfer_syntaxes()

    began_at = time.perf_counter()
    again = working_transfer_syntaxes()

    assert again is first
    assert time.perf_counter() - began_at < 0.01


def test_rare_transfer_syntaxes_are_left_out_where_a_site_does_not_ask_for_them() -> None:
    usual = working_transfer_syntaxes(rare=False)

    assert set(working_transfer_syntaxes()) - set(usual) == RARE_TRANSFER_SYNTAXES
    assert usual[0] == ExplicitVRLittleEndian


def test_the_report_says_of_each_transfer_syntax_what_decodes_it() -> None:
    said = {report.name: report.said for report in decoder_report()}

    assert len(said) == len(DECODERS) + len(NATIVE_TRANSFER_SYNTAXES)
    assert said["RLE Lossless (1.2.840.10008.1.2.5)"] == "pylibjpeg-rle"
    assert said["Explicit VR Little Endian (1.2.840.10008.1.2.1)"] == "numpy"
    assert said["JPEG 2000 Image Compression (1.2.840.10008.1.2.4.91)"] == (
        "imagecodecs (OpenJPEG), then pylibjpeg-openjpeg"
    )


def test_the_report_says_what_does_not_work() -> None:
    half = DecoderReport(transfer_syntax_uid=RLELossless, working=("a",), broken=("b",))
    none = DecoderReport(transfer_syntax_uid=RLELossless, working=(), broken=("a", "b"))

    assert (half.works, half.said) == (True, "a; not working: b")
    assert (none.works, none.said) == (False, "no decoder; not working: a, b")


@pytest.mark.parametrize(("uid", "probe"), ALL_PROBES)
def test_a_frame_is_decoded_with_its_precision(uid: str, probe: Probe) -> None:
    expected = probe.pixels()
    rows, columns = expected.shape
    allocated = 8 if probe.bits <= 8 else 16

    frame = decode_frame(
        probe.encoded(), uid, FrameShape(rows=rows, columns=columns, bits_allocated=allocated)
    )

    assert np.abs(frame.samples.astype(int) - expected).max() <= probe.tolerance
    assert probe.bits <= frame.bits <= 16


@pytest.mark.parametrize("shape", [(18, 12), (12, 17), (24, 36), (65535, 65535)])
@pytest.mark.parametrize("uid", [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless])
def test_a_codestream_of_another_size_is_refused(uid: str, shape: tuple[int, int]) -> None:
    codestream = PROBES[uid][0].encoded()

    with pytest.raises(UnsupportedPixels, match="the codestream has 12 x 18 pixels") as refused:
        decode_frame(
            codestream, uid, FrameShape(rows=shape[0], columns=shape[1], bits_allocated=16)
        )

    assert not refused.value.truncated


@pytest.mark.parametrize("uid", [uid for uid in DECODERS if uid != RLELossless])
@pytest.mark.parametrize("missing", [2, 10, 40])
def test_a_codestream_without_its_end_is_truncated(uid: str, missing: int) -> None:
    probe = PROBES[uid][0]
    rows, columns = probe.pixels().shape
    shape = FrameShape(rows=rows, columns=columns, bits_allocated=16)

    with pytest.raises(UnsupportedPixels) as refused:
        decode_frame(probe.encoded()[:-missing], uid, shape)

    assert refused.value.truncated


@pytest.mark.parametrize("padding", [b"", b"\0", b"\0\0\0", b"\xff\xff"])
def test_padding_behind_the_end_of_a_codestream_is_forgiven(padding: bytes) -> None:
    frame = decode_frame(PROBE.encoded() + padding, JPEGLosslessSV1, SHAPE)

    assert np.array_equal(frame.samples, ramp(12))


def test_fill_bytes_before_a_marker_are_forgiven() -> None:
    codestream = PROBE.encoded()

    frame = decode_frame(codestream[:2] + b"\xff\xff" + codestream[2:], JPEGLosslessSV1, SHAPE)

    assert np.array_equal(frame.samples, ramp(12))


@pytest.mark.parametrize("uid", [uid for uid in DECODERS if uid != RLELossless])
@pytest.mark.parametrize("codestream", [b"", b"\xff", b"\xff\xd8", b"no codestream", bytes(99)])
def test_what_is_no_codestream_is_refused(uid: str, codestream: bytes) -> None:
    with pytest.raises(UnsupportedPixels):
        decode_frame(codestream, uid, SHAPE)


def test_a_codestream_damaged_in_its_middle_is_refused_with_each_decoders_error() -> None:
    codestream = PROBES[JPEGLSLossless][1].encoded()
    damaged = codestream[:60] + b"\xff\xd9" + codestream[62:]

    with pytest.raises(UnsupportedPixels, match=r"CharLS.*pyjpegls"):
        decode_frame(damaged, JPEGLSLossless, SHAPE)


def test_a_transfer_syntax_without_a_decoder_is_refused() -> None:
    with pytest.raises(UnsupportedPixels, match="no decoder for the transfer syntax"):
        decode_frame(PROBE.encoded(), "1.2.3.4", SHAPE)


def test_a_codestream_that_samples_every_second_pixel_is_of_another_size() -> None:
    codestream = bytearray(PROBES[JPEG2000Lossless][0].encoded())
    codestream[43] = 2  # SIZ: horizontal separation of samples

    with pytest.raises(UnsupportedPixels, match="the codestream has 12 x 9 pixels"):
        decode_frame(bytes(codestream), JPEG2000Lossless, SHAPE)


def test_a_jp2_file_in_place_of_its_codestream_is_forgiven() -> None:
    boxes = b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0\0\0\x14ftypjp2 \0\0\0\0jp2 " + b"\0\0\0\0jp2c"

    frame = decode_frame(boxes + PROBES[JPEG2000Lossless][0].encoded(), JPEG2000Lossless, SHAPE)

    assert np.array_equal(frame.samples, ramp(12))


def test_the_second_decoder_takes_what_the_first_one_refuses() -> None:
    # some writers give a lossless scan the end of spectral selection of a lossy one, 63 for 0
    probe = PROBES[JPEGLossless][1]
    scan, odd_scan = b"\xff\xda\0\x08\1\1\0\4\0\0", b"\xff\xda\0\x08\1\1\0\4\x3f\0"
    odd = probe.encoded().replace(scan, odd_scan)
    first, second = DECODERS[JPEGLossless]

    frame = decode_frame(odd, JPEGLossless, SHAPE)

    with pytest.raises(RuntimeError):
        first.decode(odd, SHAPE)
    assert np.array_equal(second.decode(odd, SHAPE), probe.pixels())
    assert np.array_equal(frame.samples, probe.pixels())


@pytest.mark.parametrize(
    "segment",
    [
        # 2 x 2 pixels of 8 bits: too few, cut short in a run, and what pylibjpeg-rle panics at
        b"\x00a",
        b"\x03ab",
        b"\xfd",
        b"\x80" * 9,
        b"",
    ],
)
def test_an_rle_segment_that_does_not_fill_the_frame_is_refused(segment: bytes) -> None:
    codestream = struct.pack("<16I", 1, 64, *[0] * 14) + segment

    with pytest.raises(UnsupportedPixels):
        decode_frame(codestream, RLELossless, FrameShape(rows=2, columns=2, bits_allocated=8))


def test_a_panic_of_the_rle_decoder_is_an_error_like_any_other() -> None:
    # 4 x 6 pixels of 16 bits in which the first segment runs into the second
    pixels = (np.arange(24, dtype=np.uint16) * 300).reshape(4, 6)
    codestream = bytearray(
        rle.utils.encode_pixel_data(
            pixels.tobytes(),
            byteorder="<",
            rows=4,
            columns=6,
            bits_allocated=16,
            samples_per_pixel=1,
        )
    )
    codestream[64] ^= 0x80

    with pytest.raises(UnsupportedPixels, match="pylibjpeg-rle: ValueError"):
        decode_frame(
            bytes(codestream), RLELossless, FrameShape(rows=4, columns=6, bits_allocated=16)
        )


def test_an_rle_frame_with_too_few_pixels_is_refused() -> None:
    codestream = PROBES[RLELossless][1].encoded()

    with pytest.raises(UnsupportedPixels):
        decode_frame(codestream[:-100], RLELossless, SHAPE)
