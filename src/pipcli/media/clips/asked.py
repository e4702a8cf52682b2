"""Options of an encoder that the user asks for by name: only those that ffmpeg knows, and none that names a file.

What is not known to be harmless is refused. An option of ffmpeg's own program, such as `-stats`, need not take a value:
the value would then be one more output. Text is let through only where it is known what the encoder makes of it.
"""

from __future__ import annotations

import functools
import re

from pipcli.errors import OutputRefusedError
from pipcli.media.clips import ffmpeg
from pipcli.media.sources import shown

_OPTION = re.compile(r"^  -(\S+)\s+\[?<(\w+)>\s*\]?\s*E..V", re.MULTILINE)
_FLAG = re.compile(r"^     ([\w.-]+)\s+E..V", re.MULTILINE)

_NUMBERS = {"int", "int64", "uint", "uint64", "float", "double", "rational", "boolean", "image_size"}
_OF_THE_PROGRAM_TOO = {"b", "q", "aspect", "profile"}  # which take a value, and mean the encoder's option
_WORDS = {"preset", "tune", "profile", "level", "wpredp", "psy-rd", "deblock", "partitions", "vendor", "layer_rates"}
_WITH_LOG_FILES = {"pass1", "pass2"}  # these flags have an encoder write or read a file of its own choice

# The parameters of an encoder's own list of KEY=VALUE that name no file, from the documentation of each encoder.
_X264 = """
    8x8dct alternative-transfer analyse annexb aq-mode aq-strength aud avcintra-class avcintra-flavor b-adapt b-bias
    b-pyramid bff bframes bitrate bluray-compat cabac cabac-idc chroma-me chroma-qp-offset chromaloc cll colormatrix
    colorprim constrained-intra cplxblur cpu-independent crf crf-max dct-decimate deadzone-inter deadzone-intra deblock
    deterministic direct direct-pred dpb-size fake-interlaced fast-pskip filler filter force-cfr fps frame-packing
    fullrange global-header interlaced intra-refresh ip-factor ipratio keyint keyint-min level level-idc
    lookahead-threads mastering-display mbtree me merange min-keyint mixed-refs mvrange mvrange-thread nal-hrd nr
    open-gop overscan partitions pb-factor pbratio pic-struct psnr psy psy-rd qblur qcomp qp qp-max qp-min qp-step
    qpmax qpmin qpstep ratetol rc-lookahead ref repeat-headers sar scenecut slice-max-mbs slice-max-size slice-min-mbs
    sliced-threads slices slices-max sps-id ssim stitchable subme subq sync-lookahead tff threads transfer trellis
    vbv-bufsize vbv-init vbv-maxrate videoformat weightb weightp
"""
_X265 = """
    amp annexb aq-mode aq-motion aq-strength aud b-adapt b-intra b-pyramid bframe-bias bframes bitrate cbqpoffs
    chromaloc colormatrix colorprim const-vbv constrained-intra copy-pic cplxblur crf crf-max crf-min crqpoffs ctu
    cu-lossless cutree deblock display-window dynamic-rd early-skip eob eos fades fast-intra fps frame-dup
    frame-threads gop-lookahead hash hdr-opt hdr10 hdr10-opt hevc-aq high-tier hist-scenecut hme hme-range hme-search
    hrd idr-recovery-sei info intra-refresh ipratio keyint level-idc limit-modes limit-refs limit-sao limit-tu log-level
    log2-max-poc-lsb lookahead-slices lookahead-threads lossless master-display max-cll max-luma max-merge max-tu-size
    mcstf me merange min-cu-size min-keyint min-luma nr-inter nr-intra open-gop opt-cu-delta-qp
    opt-qp-pps opt-ref-list-length-pps overscan pbratio pme pmode pools psnr psy-rd psy-rdoq qblur qcomp qg-size qp
    qpmax qpmin qpstep radl range rc-grain rc-lookahead rd rd-refine rdoq-level rdpenalty rect ref repeat-headers rskip
    rskip-edge-threshold sao sao-non-deblock sar scenecut scenecut-bias selective-sao signhide single-sei slices
    splitrd-skip ssim ssim-rd strict-cbr strong-intra-smoothing subme temporal-layers temporal-mvp transfer tskip
    tskip-fast tu-inter-depth tu-intra-depth uhd-bd vbv-bufsize vbv-end vbv-init vbv-maxrate videoformat vui-hrd-info
    vui-timing-info weightb weightp wpp
"""
_SVT_AV1 = """
    ac-bias aq-mode bias-pct buf-initial-sz buf-optimal-sz buf-sz chroma-sample-position color-primaries color-range
    content-light crf enable-cdef enable-dlf enable-hdr enable-mfmv enable-overlays enable-qm enable-restoration
    enable-stat-report enable-tf enable-tpl-la enable-variance-boost fast-decode film-grain film-grain-denoise
    hierarchical-levels irefresh-type keyint level lookahead lossless lp mastering-display matrix-coefficients max-qp
    max-tx-size mbr mbr-overshoot-pct min-qp overshoot-pct pin pred-struct preset profile qm-max qm-min qp rc
    recode-loop scd scm sharpness startup-mg-size superres-denom superres-kf-denom superres-mode tbr tf-strength tier
    tile-columns tile-rows transfer-characteristics tune undershoot-pct variance-boost-curve variance-boost-strength
    variance-octile
"""
_AOM = """
    aq-mode arnr-maxframes arnr-strength auto-alt-ref cdf-update-mode chroma-sample-position coeff-cost-upd-freq
    color-primaries cpu-used cq-level deltaq-mode deltaq-strength denoise-block-size denoise-noise-level
    disable-trellis-quant dv-cost-upd-freq enable-1to4-partitions enable-ab-partitions enable-angle-delta enable-cdef
    enable-cfl-intra enable-chroma-deltaq enable-diff-wtd-comp enable-diagonal-intra enable-directional-intra
    enable-dist-wtd-comp enable-dnl-denoising enable-dual-filter enable-filter-intra enable-flip-idtx enable-fwd-kf
    enable-global-motion enable-interinter-wedge enable-interintra-comp enable-interintra-wedge enable-intra-edge-filter
    enable-intrabc enable-keyframe-filtering enable-masked-comp enable-obmc enable-onesided-comp enable-order-hint
    enable-overlay enable-paeth-intra enable-palette enable-qm enable-rect-partitions enable-rect-tx
    enable-ref-frame-mvs enable-restoration enable-smooth-interintra enable-smooth-intra enable-superres
    enable-tpl-model enable-tx-size-search enable-tx64 enable-warped-motion error-resilient frame-parallel
    gf-cbr-boost gf-max-pyr-height gf-min-pyr-height loopfilter-control lossless matrix-coefficients max-gf-interval
    max-inter-rate max-intra-rate max-partition-size max-reference-frames min-cr min-gf-interval min-partition-size
    mode-cost-upd-freq mv-cost-upd-freq noise-sensitivity overshoot-pct qm-max qm-min quant-b-adapt
    reduced-reference-set reduced-tx-type-set row-mt sb-qp-sweep sframe-dist sframe-mode sharpness static-thresh
    superblock-size tile-columns tile-rows timing-info transfer-characteristics tune tune-content undershoot-pct
    use-inter-dct-only use-intra-dct-only use-intra-default-tx-only
"""
_PARAMETERS = {
    "x264-params": frozenset(_X264.split()),
    "x264opts": frozenset(_X264.split()),
    "x265-params": frozenset(_X265.split()),
    "svtav1-params": frozenset(_SVT_AV1.split()),
    "aom-params": frozenset(_AOM.split()),
}


def check_option(encoder: str, name: str, value: str) -> None:
    """Refuse an option that the encoder does not have, or of which it is not known that it names no file.

    Args:
        encoder: ffmpeg's name of it.
        name: of the option.
        value: as text.

    Raises:
        OutputRefusedError: the message names the option.
    """
    kind = options_of(encoder).get(name)
    if kind is None:
        raise OutputRefusedError(f"{encoder} has no option {name!a}: ffmpeg -h encoder={encoder} lists them")
    if not value.isprintable() or not value:
        raise OutputRefusedError(f"-e {name} needs a value on one line: ffmpeg -h encoder={encoder} lists them")
    if name in _program_options() and name not in _OF_THE_PROGRAM_TOO:
        raise OutputRefusedError(f"-e {name} is also an option of ffmpeg itself and is not taken: leave it out")
    if kind == "flags":
        _check_flags(encoder, name, value)
    elif name in _PARAMETERS:
        _check_parameters(name, value)
    elif kind not in _NUMBERS and name not in _WORDS:
        raise OutputRefusedError(f"-e {name} takes a text that may name a file and is not taken: leave it out")


@functools.cache
def options_of(encoder: str) -> dict[str, str]:
    """The options of an encoder, those of all encoders too: what type of value each takes."""
    return {**_general_options()[0], "q": "float", **dict(_OPTION.findall(ffmpeg.encoder_help(encoder)))}


def _check_flags(encoder: str, name: str, value: str) -> None:
    """Refuse flags other than by name: a number could be any."""
    known = _general_options()[1] | set(_FLAG.findall(ffmpeg.encoder_help(encoder)))
    for flag in re.split(r"[+-]", value.lstrip("+-")):
        if flag not in known or flag in _WITH_LOG_FILES:
            raise OutputRefusedError(
                f"-e {name} does not take {shown(flag)!a}: name its flags, as in {name}=+low_delay"
            )


def _check_parameters(name: str, value: str) -> None:
    """Refuse parameters of an encoder's own that are not known to name no file."""
    if set(value) & set("\\'\""):  # with which ffmpeg would part the text elsewhere
        raise OutputRefusedError(f"-e {name} is KEY=VALUE:KEY=VALUE, without quotes and backslashes")
    for part in value.split(":"):
        key = part.partition("=")[0].replace("_", "-")
        if key.removeprefix("no-") not in _PARAMETERS[name]:
            raise OutputRefusedError(f"-e {name} does not take {shown(key)!a}, which may name a file: leave it out")


@functools.cache
def _general_options() -> tuple[dict[str, str], frozenset[str]]:
    """The options of all encoders, by name the type of the value, and the names of all their flags."""
    section = _full_help().partition("\nAVCodecContext AVOptions:\n")[2].partition("\n\n")[0]
    return dict(_OPTION.findall(section)), frozenset(_FLAG.findall(section))


@functools.cache
def _program_options() -> frozenset[str]:
    """The options of ffmpeg's program, whatever they take."""
    return frozenset(re.findall(r"^-(\w+)", _full_help().partition("\nAVCodecContext AVOptions:\n")[0], re.MULTILINE))


@functools.cache
def _full_help() -> str:
    text, _ = ffmpeg.output_of(["-v", "level+error", "-h", "full"])
    return text
