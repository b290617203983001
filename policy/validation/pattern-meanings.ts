/** What each pattern of the CRDs asks for, in words. A test keeps the list complete. */
export const PATTERN_MEANINGS: Readonly<Record<string, string>> = {
  '^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$':
    'an id: lower-case letters, digits, "-" and ".", at most 63, with a letter or digit at both ends',
  '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$': 'lower-case letters, digits and "-", with a letter or digit at both ends',
  '^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$':
    'lower-case letters, digits, "-" and ".", with a letter or digit at both ends (a Kubernetes name)',
  '^(\\*|[A-Za-z0-9_][A-Za-z0-9_./:-]*)$':
    'an action name (letters, digits and _ . / : -, not beginning with a sign), or "*"',
  '^[A-Za-z0-9_][A-Za-z0-9_./:-]*$': 'an action name: letters, digits and _ . / : -, not beginning with a sign',
  '^-?[0-9]{1,15}(\\.[0-9]{1,9})?$':
    'an integer, or a decimal number with at most 15 digits before and 9 after the point, such as "49.90"',
  '^[0-9]{1,15}(\\.[0-9]{1,9})?$':
    'an integer, or a decimal number with at most 15 digits before and 9 after the point, such as "49.90", not negative',
  '^[A-Z]{3}$': 'three upper-case letters (ISO 4217), such as USD',
  '^(\\*\\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$':
    'an exact host or label, or *.suffix for the hosts below it, without scheme, port or path',
  '^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$': 'letters, digits, "-" and "_", such as eu-west-1',
  '^([01][0-9]|2[0-3]):[0-5][0-9]$': 'a time of day as "HH:MM", from "00:00" to "23:59"',
  '^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$': 'a time of day as "HH:MM", from "00:00" to "24:00"',
  '^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$': 'an IANA time zone name, such as Europe/Berlin',
  '^/': 'text that begins with "/"',
  '^[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9.-]*/[a-z0-9][a-z0-9-]*$': 'a rule as namespace/policy/rule',
  '^([1-9][0-9]{0,5}(ms|s|m|h|d)|hour|day|week|month)$':
    'a duration such as 30s, 15m, 24h or 7d, or one of hour, day, week, month',
  '^[1-9][0-9]{0,5}(ms|s|m|h|d)$': 'a duration such as 30s, 15m, 24h or 7d, longer than zero',
  '^(0|[1-9][0-9]{0,5})(ms|s|m|h|d)$': 'a duration such as 0s, 15m, 24h or 7d',
  '^(100|[0-9]{1,2}(\\.[0-9]{1,2})?)%$': 'a share from "0%" to "100%" with at most two decimals, such as "0.5%"',
  '^(100|[1-9][0-9]?)%$': 'a share from "1%" to "100%"',
  '^[A-Z]+$': 'upper-case letters, such as POST',
  '^[A-Za-z]+(/[A-Za-z_]+)*$': 'a JSON-RPC method, such as tools/call',
  '^[A-Z][A-Z0-9_]*$': 'a reason code in upper-case letters, digits and "_", such as ABOVE_MAXIMUM',
  '^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$':
    'a label value: letters, digits, "-", "_" and ".", with a letter or digit at both ends',
  '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$': 'a date as YYYY-MM-DD',
  '^https?://[^/?#@\\s]+(/[^?#\\s]*)?$': 'an http or https URL without user, query or fragment',
  '^[A-Za-z0-9_.~-]+$': 'letters, digits and . _ ~ -',
  '^/[^?#]*$': 'a path that begins with "/", without query or fragment',
  '^byCurrency$': 'byCurrency, or a whole number (the power of ten)',
  '^sha256:[0-9a-f]{64}$': 'a digest: sha256: and 64 lower-case hexadecimal digits',
  '^[a-z0-9][a-zA-Z0-9.:-]*(/[a-z0-9._-]+)+$': 'registry/repository, such as registry.example.com/aegis/fintech',
  '^[A-Za-z0-9_.:-]+$': 'letters, digits and _ . : -',
  '^([A-Za-z0-9_-]{43}|[A-Za-z0-9+/]{43}=|-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\\s]+-----END PUBLIC KEY-----\\s*)$':
    'an Ed25519 public key: its 32 bytes in base64 or base64url, or PEM',
  '^[A-Za-z0-9_-]+$': 'letters, digits, "-" and "_", such as Idempotency-Key',
  '^[0-9]{1,6}(s|m|h|d)$': 'a duration such as 30s, 15m, 24h or 7d',
  '^[A-Za-z0-9-]+$': 'the name of a header: letters, digits and "-"',
  '^[A-Za-z0-9-]+[*]?$': 'the name of a header: letters, digits and "-", with a * at the end for any rest',
};
