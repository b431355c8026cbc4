"""ISO 4217: the currencies in use, and how many digits their minor unit has."""

# Two digits unless named below. Funds, metals and test codes (XAU, XTS, …) are left out.
_CODES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP
CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD
IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR
MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP
SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF
XPF YER ZAR ZMW ZWG
"""
_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
EXPONENTS: dict[str, int] = {code: 0 if code in _WHOLE else 3 if code in _THOUSANDTHS else 2 for code in _CODES.split()}


def minor(text: str, currency: str) -> int:
    """An amount as people type it (`1,234.50`, `1234.5`, `1 234,50`) in minor units. Raises ValueError.

    The last point or comma is the decimal one if no more digits follow it than the currency has; others group digits.
    """
    sign, digits = (-1, text[1:]) if text[:1] in "-−" else (1, text)
    kept = "".join(c for c in digits if not c.isspace() and c not in "'’_")
    exponent = EXPONENTS[currency]
    at = max(kept.rfind("."), kept.rfind(","))
    after = len(kept) - at - 1
    if at < 0 or after > exponent or not exponent:
        whole, part = kept, ""
    else:
        whole, part = kept[:at], kept[at + 1 :]
    whole = _ungrouped(whole)
    if not (whole + part).isascii() or not (whole + part).isdigit() or len(whole) > 15:
        raise ValueError("is not an amount")
    return sign * int((whole or "0") + part.ljust(exponent, "0"))


def _ungrouped(whole: str) -> str:
    """Digits without group marks; `12,34` is no grouping and stays, to be refused."""
    groups = whole.replace(",", ".").split(".")
    grouped = all(len(group) in (2, 3) for group in groups[1:-1]) and len(groups[-1]) == 3
    return "".join(groups) if len(groups) == 1 or grouped else whole
