export const NAMESPACE = 'aegis-system';
export const ENGINE = { rego: new TextEncoder().encode('package aegis\n'), wasm: Uint8Array.of(0, 97, 115, 109) };
