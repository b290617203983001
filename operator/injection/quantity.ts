/** Powers of ten, or of 1024, by suffix (k8s.io/apimachinery, resource.Quantity). */
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY: Readonly<Record<string, bigint>> = { Ki: 1n, Mi: 2n, Gi: 3n, Ti: 4n, Pi: 5n, Ei: 6n };
const FORM = /^([0-9]{1,18})(?:\.([0-9]{0,9}))?(?:(n|u|m|k|M|G|T|P|E|[KMGTPE]i)|[eE]([+-]?[0-9]{1,2}))?$/;
/** Digits behind the point that are kept. */
const SCALE = 18;

/** The API server writes `1024Mi` as `1Gi`, and `0.1` as `100m`. */
export function sameQuantity(a: string, b: string): boolean {
  if (a === b) return true;
  const value = amountOf(a);
  return value !== undefined && value === amountOf(b);
}

/** In units of 10^-SCALE. */
function amountOf(text: string): bigint | undefined {
  const [, whole, fraction = '', suffix = '', exponent] = FORM.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const digits = BigInt(whole + fraction) * 10n ** BigInt(SCALE - fraction.length);
  const binary = BINARY[suffix];
  if (binary !== undefined) return digits * 1024n ** binary;
  const power = exponent === undefined ? (DECIMAL[suffix] as number) : Number(exponent);
  return power >= 0 ? digits * 10n ** BigInt(power) : digits / 10n ** BigInt(-power);
}
