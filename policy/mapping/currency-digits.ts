/**
 * Digits of the minor unit by currency (ISO 4217 list one, 2024-06 amendments 176–177, "CcyMnrUnts"); two where not
 * listed below. Only codes that are listed exist: an unknown code has no scale, and so no amount.
 *
 * One deviation, on the strict side: MGA is 2 in the list, but its minor unit is a fifth and APIs count whole ariary;
 * reading fewer digits makes an amount larger, never smaller. Where an API departs from the list otherwise (Stripe,
 * Adyen and others do), its tool contract says so in `currencyDigits`.
 */
const TWO_DIGITS = `
  AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC
  CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES
  KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD
  PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
  TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG`;
const OTHER_DIGITS: Record<string, string> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF',
  3: 'BHD IQD JOD KWD LYD OMR TND',
  4: 'CLF UYW',
};

function table(): Map<string, number> {
  const digits = new Map<string, number>();
  for (const code of TWO_DIGITS.trim().split(/\s+/)) digits.set(code, 2);
  for (const [count, codes] of Object.entries(OTHER_DIGITS)) {
    for (const code of codes.split(' ')) digits.set(code, Number(count));
  }
  return digits;
}

const DIGITS = table();

/** Minor-unit digits of an upper-case currency code; `undefined` if the code is unknown. */
export function currencyDigits(code: string, deviations?: Record<string, number>): number | undefined {
  if (deviations !== undefined && Object.hasOwn(deviations, code)) return deviations[code];
  return DIGITS.get(code);
}
