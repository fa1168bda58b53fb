"""Tiny codestreams with known pixels that a decoder must get right before it is used."""

from __future__ import annotations

from base64 import b85decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

Pixels = npt.NDArray[np.uint16]


def ramp(bits: int) -> Pixels:
    """Return 12 rows of 18 pixels that rise and wrap around: jumps of up to the full range."""
    row, column = np.mgrid[0:12, 0:18]
    return np.asarray((row * 4099 + column * 2053) % (1 << bits), dtype=np.uint16)


def flat_blocks(bits: int) -> Pixels:
    """Return 16 rows of 24 pixels in flat blocks of 8 x 8, which a cosine transform keeps."""
    row, column = np.mgrid[0:16, 0:24]
    block = row // 8 * 3 + column // 8
    return np.asarray((block * 37 + 11) << (bits - 8), dtype=np.uint16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A codestream and the pixels that it holds.

    Parameters
    ----------
    codestream
        Base 85 (RFC 1924).
    picture, bits
        What was encoded: `ramp` or `flat_blocks` with so many stored bits.
    tolerance
        Largest difference that a right decoder may show: 0, unless the codestream is lossy.

    Notes
    -----
    The JPEG Lossless, JPEG-LS and RLE ones were written by DCMTK 3.6.7, the others by imagecodecs
    2026.3.6 (libjpeg-turbo 3.1.3, OpenJPEG 2.5.4, OpenJPH 0.26.3).
    """

    codestream: str
    picture: Callable[[int], Pixels]
    bits: int
    tolerance: int = 0

    def encoded(self) -> bytes:
        """Return the codestream."""
        return b85decode(self.codestream)

    def pixels(self) -> Pixels:
        """Return the pixels ``[rows, columns]`` uint16."""
        return self.picture(self.bits)


_JPEG_BASELINE_8 = Probe(
    codestream=(
        "|JeWF01!$>Nk#wx0RR9200961|JwjV009930RaI40RaI40RaI40RaI40RaI40RaI40RaI40RaI40RaI40RaI40RaI40R"
        "aI40RaI40RaI40RaI40sp`N3kU!Z02l!Q5di<h03QGV0R;g80RaI400000000000RjUA1qKHQ2?`7U!~nGr00IF60|Ep"
        "C1qB2I0004f0RjU61Q7)iAu&M)6H#FYB5@QlfsvsIBSNvk6;jdgBr{@if(Z&17Z@2DB_<~*DJnEIHa9pqIzvQ7Mn_0VN"
        ">fx-R##YAT4Q8oW@l(=YIAgTc6WGrdV_?8hKGoWijtF*m6n&7nVO=bq@|{(sHv*5v$VCgx45~w!o$SH#>dFX%F@%+)z;"
        "V8+1laa<K*S$=jiF`@$&QZ_4fDp`TGCb00;pA002J#{uS%=qQ6Qj^rF8?EA*nj|Je"
    ),
    picture=flat_blocks,
    bits=8,
)
_JPEG_EXTENDED_12 = Probe(
    codestream=(
        "|JeWF01!$>Nk#wx0RR9200961|JwjV009930RaI40RaI40RaI40RaI40RaI40RaI40RaI40RaI40RaI40RaI40RaI40R"
        "aI40RaI40RaI40RaI40sp}O3k(1d02l!Q5di<h02KfM0RR9100000000000000D4*$de6c7Ob0000000000000000003"
        "0+5iXv0RR9$0EK@g07?Lq0Vo1c5C7Q"
    ),
    picture=flat_blocks,
    bits=12,
)
_JPEG_LOSSLESS_12 = Probe(
    codestream=(
        "|JeWF01!$>Nk#wx0RR9200961|HA+a5C9AS5&;1b0RO}Q7XSeP0RaF200000000000006E3lRU>00;pA00sa6>H%;Bpc"
        "ep20dNGM7XV5Da0H+i07?OH1fUlHN&#9)B$7!al4&H8NhFd<q>@P_l1V0#NhFd<B$`Pil1U_zX(W<KB$7#_l1U_zNhXp"
        ">B$7!ann@&*NhFeKB$7!al1ZeJNhFd<FaQ79"
    ),
    picture=ramp,
    bits=12,
)
_JPEG_LOSSLESS_16 = Probe(
    codestream=(
        "|JeWF01!$>Nk#wx0RR9200961|HA+a5C9AS5&;1b0RO}Q7XSeP0RaF200000000000000C4G{m@00;pA00aO4>H%m4pc"
        "a5y0cZuF7Jym-Xa%4afLZ})1)vsyS^;zbzyKNmU;qsOFaQRC7ytu63;+S31^@ui0{{SM0e}EB0Kfnm0AK(O05AXt|Je"
    ),
    picture=ramp,
    bits=16,
)
_JPEG_LOSSLESS_SV1_12 = Probe(
    codestream=(
        "|JeWF01!$>Nk#wx0RR9200961|HA+a5C9AS5&;1b0RO}Q7XSeP0RaF20000000000000aN0ucY&00;pA00961<O0AE0I"
        "&o=ECCP;07L@75dg3RKr8_e3jjm{?EtU@Kr8_e3jjm{z!3nj1VAhS5DNfA0>BXfyFe@f5DNfA0>BXfumnIX0T2rSL;}D"
        "O0I&o=F3<}AL;}DO0I&o=ECCP;07L@75dg3RKr8_e3$y~j5dg3RKr8_e3jjm{z!3nj1VAhS5DNfA0_^~>1VAhS5DNfA0"
        ">BXfumnIX0T2rSL;}DO0J}ge0T2rSL;}DO0I&o=ECCP;07L@75dg3RKrYY=07L@75dg3RKr8_e3jjm{z!3nj1VAhS5DT"
        ";dz!3nj1VAhS5DNfA0>BXfumnIX0T2rSL;~#qumnIX0T2rSL;}DO0I&o=ECCP;07L@75dgbDECCP;07L@75dg3RKr8_e"
        "3jjm{z!3nj1VAp(3jjm{z!3nj1VAhS5DNfA0>BXfumnIX0T2uS|Je"
    ),
    picture=ramp,
    bits=12,
)
_JPEG_LOSSLESS_SV1_16 = Probe(
    codestream=(
        "|JeWF01!$>Nk#wx0RR9200961|HA+a5C9AS5&;1b0RO}Q761VO0RR910000000000000aP5dYc$2mt{A0RRBV1wbkRPz"
        "r!l0-zNDs0BbO0Z<BnR05zC0H_6^27puopcMe91wbkRPzr!l0-zNDs0BbO0Z<BnS^#JTKq>)H3V>7spcMe91wbkRPzr!"
        "l0-zNDs0E+~fK&pY6#%FOKq>)H3V>7spcMe91wbkRPzr!r0B8k3DgjUmfK&pY6#%FOKq>)H3V>7spcMe91)v6iR05zC0"
        "H_5(DgjUmfK&pY6#%FOKq>)H3V>PwXaztj0Z<BnR05zC0H_5(DgjUmfK&pY6#%FOpay_c0-zNDs0BbO0Z<BnR05zC0H_"
        "5(DgjUmfLZ`(1wbkRPzr!l0-zNDs0BbO0Z<BnR05zC0H_6^27puopcMe91wbkRPzr!l0-zNDs0BbO0Z<BnS^#JTKq>)H"
        "3V>7spcMe91wbkRPzr!l0-zNDs0E+~fK&pY6#%FOKq>)H3V>7spcMe91wbkRPzr!w|Je"
    ),
    picture=ramp,
    bits=16,
)
_JPEG_LS_12 = Probe(
    codestream=(
        "|JeWc01FTR3;+@V0TBTI_y7$7|Nj6I07C&306_oR00;pA00000f&`E35GDSB0$=1nJNyU*e{leB>>vgGK>}aUKs*M3um"
        "S<V5DWnTz#uRP3<3iHfWSa#4FdrK0RsU80RsU80RsU80s=rtFd)E#0t^T+Ai#qH3<wGWg8~c)Fd)E#0t^T+Ai)7ZP+*1"
        "#V1@`_h6rGW2m}HcA%Ykof*2u!7$JfI0EP%)h6rGW2w;W?V1Pg&f*2u!7$JffA%Yk{AP~YBMiGQz7)B9<1O#CiMiGQz7"
        ")B9<1O#CiMiGQz7)B9<0RR8l"
    ),
    picture=ramp,
    bits=12,
)
_JPEG_LS_16 = Probe(
    codestream=(
        "|JeWc01FTR3;+@V0TBTI_y7$7|Nj6I07C&306_oR00;pA00000f&_#KARK^F0LTG<`~NTdf6M*f>i--3U*7)L^?*QNfk"
        "Xrl3_u|OL;yee|402l;r`F`f0O(l-2T9UL;1ha{%`Vsi~Jwn{^$0;vHfrAe@prw&i-fehzNfZ_}|3-7w|uQ`_J8e<M!X"
        "Q{g>=NUHZ?}exQJ7=)Xz&FVKE_^Pigh$K}5%`7g+RJMo{2{72!41bzeXUx54f-#+#CkGp--?q6{GciTSI_K&lDkbo!Gz"
        "QOhHu6=9kA6ELO)V`tg@1}h#=?_MFBhZKd9(nWco_y=)A2#`?%)Vjr@0NV4<sT;bC&<1)|8ViIj(lt59~Sth#J(Z$?}j"
        "`v;g1Y>W5XU8@W=o>BjKM6_-Df&81To2JTc*q40vP19vJY*009A?_&g)wpA7hC!#)}C$A&yH;g1Y>W5XZ<0FMlKWB!MP"
        "d@<pV40vP19vJY)hCDIhkO2TEhCDIhj|_jn|Je"
    ),
    picture=ramp,
    bits=16,
)
_JPEG_LS_NEAR_12 = Probe(
    codestream=(
        "|JeWc01FHN3;+@V0TBTI+5iXv0RRF30Du4h00WnR00003n1BEP00WqbkeM?800000b0%OWOu?Bm24u_`lP&-N000Lulq"
        "D50nvzQvLKgN`^3hbPQmU%0QU7^qbrCLHy5n=b&!PW+lmCA=|9(yXeNX><|Je"
    ),
    picture=ramp,
    bits=12,
    tolerance=2,
)
_JPEG_2000_12 = Probe(
    codestream=(
        "|4;u>04V?f0000I0000C00000000000000I0000C0000000000009dD0sm3}3;+NC0RR951ONg5TmS?>VE<$QB>(|Ka%"
        "Ew3Wn>^?c_2@4Wo}APMMofZWpZ<AZ*CwmE;TMR|BwI*000000O$Y#|C8V2ToN}TyZsfBRV<{!+^OLE=}IeuYU+(*kKn4"
        "PsJXrY=<xdh0N+!h3Tr~rkpqGZFPc-)Qoks9fEWrOwblj~>075t&5J77n?Z~1>7P0lH~8^4_~<t+2?N1}8BHV;8WxQ?%"
        "9|TT<Y~vfT3^)k3Ht=R0)2e~esz5A1@jDlb$tST<nVDUxSY70xOOJEoVc90oVa!-xSY70xSY5sP+(WE*Ra>H?;Eh!u-C"
        "BHu<skN*Ra>H*Rcp&n2E$rB5@OloJ8U$5jcs&P9kv=h@3>?ClNS*|Je"
    ),
    picture=ramp,
    bits=12,
)
_JPEG_2000_16 = Probe(
    codestream=(
        "|4;u>04V?f0000I0000C00000000000000I0000C0000000000009pH0sm3}3;+NC0RR951ONg5TmS?>fd6CwB>(|Ka%"
        "Ew3Wn>^?c_2@4Wo}APMMofZWpZ<AZ*CwmE;TMR|BwI*000000eS!d|C8VNn$QwACc2fn#TUZz{Ltm<ZPG9u!_=KlQ+z)"
        "|rawapNmd?t{gL2R@3+p1mJ~}a>y?BwE=blMJqo%V#FtwGBq*0>uGdoNY&s$EbQ>=8BLi-4o1dT?b9~<aK|i7uGgr5a8"
        "dq#&vcxGGNeOdU^AbH4Dg;~<<ioT;r$Q*GTR6)xBhion2`OxW#2CsJQi54LNr@heOiB`#$Q(h8p=Br~lf;;j=&-Fp_j8"
        "p%z{nfw*~ClX9rBnMfHbezb4CpTNk+sPYp7DK0`3enO+!;?DS*TWuJ(;$0W8|Q{~=TnWs=7yUq9xFSUedp$*i-u*&>ni"
        "aiFkXPA8}vF?T`TUT~&(y^0W|r3#8ss=P+lmd#m%yn7mDGhnUS(;yoPu>{2ZW~{*E8wQ`F!qzo<y%an;rZFcE4yn4vuU"
        "DuY>}vITx9>*4&h2=K#7-h{6NsEd;wKR}iNsDKaTAD~MB*nAIDh}y"
    ),
    picture=ramp,
    bits=16,
)
_JPEG_2000_LOSSY_12 = Probe(
    codestream=(
        "|4;u>04V?f0000O0000G00000000000000O0000G0000000000009dD0sm3}3;+NC0RRC61ONd4TmTC~Xe4*jchh%b|6"
        "~9q00BdCWnpw>WFTUBAWv{*Zc0!^M<8}(a&u{KZXhx)H7+#&kN^q*00000@c;q;lh5%Q5l~YY?PEzIHD8Q`Bd`Ulk`2J"
        "7Vmaj}xEe8+J3r^^rTeyz$D@7gLk%lXh!?62+TSF3I<avZ3hyAK50{!oBEXhqJfRlz!(n7sO3ASa*M=Y^!jkoDa&WH+X"
        "%Tj3X3hUU$`>LW+9ScXT9$%lLd%+HjsY~_6nkW#fF4m@y>DQ*2NU!n{}sD3<-q*PApMB|A#4|E(Fv61HV}hke>FI<NPV"
        "rp4gs<=099s>K)J!4qTd{*jKIGO0M!YoK72e-q=x<UyZ`_&kERg0D}*I`o73|iXn}+cARE*3|Je"
    ),
    picture=flat_blocks,
    bits=12,
    tolerance=1,
)
_HTJ2K_12 = Probe(
    codestream=(
        "|4;u>04YEK0000I0000C00000000000000I0000C0000000000009pH0sl|{2mk^A000XAQUDA90ssL30t5s=0smY83L"
        "uD(kdTOoi2q~&7XSfIaAj^vP)HzFWpW@eE;2SQGcNy-015yA0002K00IA#zyL0w|99v2*Z05o*ZbxD@cwr1x)<G-??>-"
        "@_o@4o`vn4jxu_pP05Q7&pa2Sx%*_1c{z<;J0Kfn*WPkuwfd2P?|95}?d%ypE-~WE^fB$>G|9#*82mk^6@Be<^|9<a(|"
        "9ijxec%6n@Be<^|9w9KAb|gUzyEu`|9#*8e(!((d%ypEzyEuG|3?4_@BsgfezJe~*Xu5De1rhTApkM70R#Z}{L$CHb?m"
        "qR|Je"
    ),
    picture=ramp,
    bits=12,
)
_HTJ2K_16 = Probe(
    codestream=(
        "|4;u>04YEK0000I0000C00000000000000I0000C0000000000009pH0sl|{2mk^A000XAQUDA90ssL30t5s=0smY83L"
        "uD(kdTOoi2q~&7XSfIaAj^vP)HzFWpW@eE;2SQGcNy-015yA0002&00IA#zyL0s|9|KIYro&$>u($!01h$e0G}o!(T>C"
        "{>aA(_1Ok7#sBby|(7OP@02YJ*0c^kk7KncJAO8N|FZlg{I3JAQR{(y+|8`GgKr$E^{NhRDbCe4N51&wV16lz7mH&GGe"
        "n0;w{D80@jU!h8zyL0m00DJy01HeA5CQ%l0T96dXa7h4C;uP+AOBzf4+KDf?+5)*UGMq8^NV}{|8M_G03-kefB+DH`Tt"
        "1&UH?b?kN<B3Apai(p!xvi!5p+84`rxEa9#laKmULKfB%2||9|@cs4w)8SOEXo"
    ),
    picture=ramp,
    bits=16,
)
_HTJ2K_LOSSY_12 = Probe(
    codestream=(
        "|4;u>04YEK0000O0000G00000000000000O0000G0000000000009pH0sl|{2mk^A001igQUDA90ssL30t5s=0RLP75h"
        "9<4kOPndkVco%m(rJE|6~9c00B>MWo}APNFY{aav(4+GBz$VF8`1K3IG5A00BGz0soW001LmN7DRCH4TIku+$m80KvMy"
        "`3XI>6>Yo%p*Z$J{%imwre;NMA`JdC*hhOLXBJ~Tw$2T9R`v3z>23o)|xd6Zb7fk>FU09S*5>7ZsAr(<XI9xPJ2_@l#g"
        "A`H`MT843QAF_!;zSfNfU>y&z{xdm<Qh1+22QSllWXAQ+C}$p(LG#r4;S6TMfY&gJ^la#Mgk!K7P$bx02idd02iPDYSd"
        ")PbdDM|nPxgijhalEPMlDqCR3&pC)B9Pl<C9?HEJ?tI&ngcnoOBaoKT}CQ>GIq{+t7(ha~AC$vQ}KKmqXtr1=800YpWg"
        "DA6Y>dZMCFRP;nepQz}Giat@%6BT`;q9-c)cieHu9e3Pu#~pXvamO9^g{^B@#V8c%l%P|lQh`m<0sq+"
    ),
    picture=flat_blocks,
    bits=12,
    tolerance=1,
)
_RLE_8 = Probe(
    codestream=(
        "0RR91KmY&$00000000000000000000000000000000000000000000000000000000000000000000005dZ}W4-^?5BP"
        "cC0H#|W`OHfr20|*Tg7aSobD=;-WKSW7RQ&<rO3lJ3=A0#O*GdMj$M@&&xTM-Ek6Br#LCoC~GJ3vKBPgGf65eyL)8z3b"
        "rFElwmLr6_hS6pEc4-^?5BPcC0H#|W`OHfr>Ut|#y7aSobD=;-WKSW7RQ&?SMXAu<|A0#O*GdMj$M@&&xTVQ2s5f~jJC"
        "oC~GJ3vKBPgGf6V`yy=8z3brFElwmLr6_hS6pFcYj6=BBPcC0H#|W`OHfr>Uu0=+a}gmXD=;-WKSW7RQ&?SMXKZnH"
    ),
    picture=ramp,
    bits=8,
)
_RLE_16 = Probe(
    codestream=(
        "0ssI2KmY&$Bmn>b000000000000000000000000000000000000000000000000000000000000000005da7f7$7JxI6"
        "z2HSYT*ycz}oz5EvjRFgQR+P*`ASaCm@-keCr5C@?rcNKjZ{XmEIdh>)0|s1YzYKuAznU}$i7fQXQops2985kN>#SYT*"
        "ycz}qIn4qYzxWLE}P*`ASaCm@-keHyTu(-g;(AW`RXmEIdh>)0|sIa)e$k5o}=n-&ufQXQops298z{t?p;OOx95rBx0n"
        "4qYzxWLHJ*x=~!_y7nIkeHyTu(-g;(AePU@b~}-5Ev1lsIa)e$k5o}=<xUe2oM+`C=sx@z{t?p;OOx900<BmASf_65dZ"
        "}W4-^?5BPcC0H#|W`OHfr20|*Tg7aSobD=;-WKSW7RQ&<rO3lJ3=A0#O*GdMj$M@&&xTM-Ek6Br#LCoC~GJ3vKBPgGf6"
        "5eyL)8z3brFElwmLr6_hS6pEc4-^?5BPcC0H#|W`OHfr>Ut|#y7aSobD=;-WKSW7RQ&?SMXAu<|A0#O*GdMj$M@&&xTV"
        "Q2s5f~jJCoC~GJ3vKBPgGf6V`yy=8z3brFElwmLr6_hS6pFcYj6=BBPcC0H#|W`OHfr>Uu0=+a}gmXD=;-WKSW7RQ&?S"
        "MXKZnH"
    ),
    picture=ramp,
    bits=16,
)

#: What a decoder must get right before its transfer syntax is accepted.
PROBES: Mapping[str, tuple[Probe, ...]] = {
    JPEGBaseline8Bit: (_JPEG_BASELINE_8,),
    JPEGExtended12Bit: (_JPEG_EXTENDED_12,),
    JPEGLossless: (_JPEG_LOSSLESS_12, _JPEG_LOSSLESS_16),
    JPEGLosslessSV1: (_JPEG_LOSSLESS_SV1_12, _JPEG_LOSSLESS_SV1_16),
    JPEGLSLossless: (_JPEG_LS_12, _JPEG_LS_16),
    JPEGLSNearLossless: (_JPEG_LS_12, _JPEG_LS_NEAR_12),
    JPEG2000Lossless: (_JPEG_2000_12, _JPEG_2000_16),
    JPEG2000: (_JPEG_2000_12, _JPEG_2000_LOSSY_12),
    HTJ2KLossless: (_HTJ2K_12, _HTJ2K_16),
    HTJ2KLosslessRPCL: (_HTJ2K_12, _HTJ2K_16),
    HTJ2K: (_HTJ2K_12, _HTJ2K_LOSSY_12),
    RLELossless: (_RLE_8, _RLE_16),
}
