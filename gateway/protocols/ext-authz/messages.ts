/** The messages as they are decoded and encoded here: field names as in the protocol, defaults filled in. */
export interface HeaderValue {
  key: string;
  value: string;
  raw_value: Uint8Array;
}

export interface HttpAttributes {
  method: string;
  headers: Record<string, string>;
  header_map: { headers: HeaderValue[] } | null;
  path: string;
  host: string;
  scheme: string;
  protocol: string;
  body: string;
  raw_body: Uint8Array;
}

export interface CheckRequest {
  attributes: {
    request: { http: HttpAttributes | null } | null;
    context_extensions: Record<string, string>;
  } | null;
}

export interface HeaderOption {
  header: { key: string; value: string };
  /** HeaderAppendAction: 1 adds where absent, 2 overwrites or adds. */
  append_action: number;
}

export interface Struct {
  fields: Record<string, { string_value: string } | { number_value: number }>;
}

export type CheckResponse = { status: { code: number; message?: string }; dynamic_metadata: Struct } & (
  | { denied_response: { status: { code: number }; headers: HeaderOption[]; body: string } }
  | { ok_response: { headers: HeaderOption[]; headers_to_remove: string[]; response_headers_to_add: HeaderOption[] } }
);
