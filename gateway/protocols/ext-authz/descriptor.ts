/**
 * The part of Envoy's `envoy.service.auth.v3` that a gateway reads and writes, as a protobuf.js JSON descriptor.
 * Field numbers: envoy api/envoy/service/auth/v3/{external_auth,attribute_context}.proto,
 * api/envoy/config/core/v3/base.proto, google/rpc/status.proto, google/protobuf/struct.proto.
 */
type Field = { type: string; id: number; rule?: 'repeated'; keyType?: string };

const field = (type: string, id: number): Field => ({ type, id });
const repeated = (type: string, id: number): Field => ({ type, id, rule: 'repeated' });
const map = (type: string, id: number): Field => ({ keyType: 'string', type, id });

export const AUTHORIZATION_SERVICE = 'envoy.service.auth.v3.Authorization';

const core = {
  HeaderValue: { fields: { key: field('string', 1), value: field('string', 2), raw_value: field('bytes', 3) } },
  HeaderMap: { fields: { headers: repeated('HeaderValue', 1) } },
  HeaderValueOption: { fields: { header: field('HeaderValue', 1), append_action: field('int32', 3) } },
};

const HEADER_OPTION = 'envoy.config.core.v3.HeaderValueOption';

const auth = {
  Authorization: { methods: { Check: { requestType: 'CheckRequest', responseType: 'CheckResponse' } } },
  CheckRequest: { fields: { attributes: field('AttributeContext', 1) } },
  AttributeContext: {
    fields: { request: field('Request', 4), context_extensions: map('string', 10) },
    nested: {
      Request: { fields: { http: field('HttpRequest', 2) } },
      HttpRequest: {
        fields: {
          method: field('string', 2),
          headers: map('string', 3),
          path: field('string', 4),
          host: field('string', 5),
          scheme: field('string', 6),
          protocol: field('string', 10),
          body: field('string', 11),
          raw_body: field('bytes', 12),
          header_map: field('envoy.config.core.v3.HeaderMap', 13),
        },
      },
    },
  },
  CheckResponse: {
    oneofs: { http_response: { oneof: ['denied_response', 'ok_response'] } },
    fields: {
      status: field('google.rpc.Status', 1),
      denied_response: field('DeniedHttpResponse', 2),
      ok_response: field('OkHttpResponse', 3),
      dynamic_metadata: field('google.protobuf.Struct', 4),
    },
  },
  DeniedHttpResponse: {
    fields: {
      status: field('envoy.type.v3.HttpStatus', 1),
      headers: repeated(HEADER_OPTION, 2),
      body: field('string', 3),
    },
  },
  OkHttpResponse: {
    fields: {
      headers: repeated(HEADER_OPTION, 2),
      headers_to_remove: repeated('string', 5),
      response_headers_to_add: repeated(HEADER_OPTION, 6),
    },
  },
};

const protobuf = {
  Struct: { fields: { fields: map('Value', 1) } },
  Value: {
    oneofs: { kind: { oneof: ['null_value', 'number_value', 'string_value', 'bool_value', 'list_value'] } },
    fields: {
      null_value: field('int32', 1),
      number_value: field('double', 2),
      string_value: field('string', 3),
      bool_value: field('bool', 4),
      list_value: field('ListValue', 6),
    },
  },
  ListValue: { fields: { values: repeated('Value', 1) } },
};

const nest = (path: string, nested: object): object =>
  path.split('.').reduceRight<object>((inner, name) => ({ nested: { [name]: inner } }), { nested });

/** Descriptor root, for `protobuf.Root.fromJSON` and `@grpc/proto-loader` `fromJSON`. */
export const AUTHORIZATION_DESCRIPTOR = {
  nested: {
    envoy: {
      nested: {
        config: nest('core.v3', core),
        service: nest('auth.v3', auth),
        type: nest('v3', { HttpStatus: { fields: { code: field('int32', 1) } } }),
      },
    },
    google: {
      nested: {
        rpc: { nested: { Status: { fields: { code: field('int32', 1), message: field('string', 2) } } } },
        protobuf: { nested: protobuf },
      },
    },
  },
};
