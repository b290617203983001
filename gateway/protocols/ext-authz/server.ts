import type { Server } from '@grpc/grpc-js';
import { AegisError } from '../../../policy/errors.ts';
import { AUTHORIZATION_DESCRIPTOR, AUTHORIZATION_SERVICE } from './descriptor.ts';
import type { CheckRequest, CheckResponse } from './messages.ts';

/** Envoy's `envoy.service.auth.v3.Authorization/Check` over gRPC. The libraries are loaded only where it is used. */
export interface ExtAuthzServerOptions {
  /** Answers one check; a rejection is answered with INTERNAL, which Envoy takes as a denial (`failure_mode_allow`). */
  check(request: CheckRequest): Promise<CheckResponse> | CheckResponse;
  onError?(error: unknown): void;
  /** Largest message in bytes: the body cap and its headers. */
  maxMessage?: number;
}

export interface ExtAuthzServer {
  /** Binds `host:port` (port 0: a free one) and gives the port. */
  listen(address: string): Promise<number>;
  /** Ends after the checks in flight, which get at most `graceMs`. */
  close(graceMs: number): Promise<void>;
}

const MAX_MESSAGE = 2 * 1024 * 1024;
const LOADER_OPTIONS = { keepCase: true, longs: Number, defaults: true, bytes: Buffer } as const;

export async function createExtAuthzServer(options: ExtAuthzServerOptions): Promise<ExtAuthzServer> {
  const [grpc, loader] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')]);
  const definition = loader.fromJSON(AUTHORIZATION_DESCRIPTOR, LOADER_OPTIONS);
  const server: Server = new grpc.Server({ 'grpc.max_receive_message_length': options.maxMessage ?? MAX_MESSAGE });

  async function answer(request: CheckRequest): Promise<CheckResponse> {
    return options.check(request);
  }

  server.addService(definition[AUTHORIZATION_SERVICE] as Parameters<Server['addService']>[0], {
    Check(call: { request: CheckRequest }, done: (error: object | null, response?: CheckResponse) => void) {
      answer(call.request).then(
        (response) => done(null, response),
        (error: unknown) => {
          options.onError?.(error);
          done({ code: grpc.status.INTERNAL, details: 'AEGIS_INTERNAL' });
        },
      );
    },
  });

  return {
    listen(address) {
      return new Promise((resolve, reject) => {
        const credentials = grpc.ServerCredentials.createInsecure();
        server.bindAsync(address, credentials, (error, port) => {
          if (error === null) resolve(port);
          else reject(new AegisError('AEGIS_LISTEN', `extAuthz: ${address} cannot be listened on.`, { cause: error }));
        });
      });
    },
    close(graceMs) {
      return new Promise((resolve) => {
        const timer = setTimeout(() => server.forceShutdown(), graceMs);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
  };
}
