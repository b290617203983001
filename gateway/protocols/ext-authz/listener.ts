import { createEnvoyAttribution, type EnvoyAttributionOptions } from './attribute.ts';
import { type AuthorizeOptions, createAuthorize } from './authorize.ts';
import { createExtAuthzServer, type ExtAuthzServer } from './server.ts';

export type ExtAuthzListenerOptions = EnvoyAttributionOptions & Omit<AuthorizeOptions, 'attribute'>;

/** Headers and framing of a check beside the body. */
const HEADER_ROOM = 256 * 1024;

/** Opens Envoy's ext_authz at `host:port`. @throws AegisError AEGIS_LISTEN */
export async function startExtAuthzListener(
  address: string,
  options: ExtAuthzListenerOptions,
): Promise<{ server: ExtAuthzServer; port: number }> {
  const { onError } = options.deps;
  const server = await createExtAuthzServer({
    check: createAuthorize({ ...options, attribute: createEnvoyAttribution(options) }),
    maxMessage: options.limits.maxBody + HEADER_ROOM,
    ...(onError !== undefined && { onError }),
  });
  return { server, port: await server.listen(address) };
}
