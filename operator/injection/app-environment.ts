import { type CaptureMode, PATHS } from '../../policy/wire/pod-contract.ts';
import { variable } from './container-parts.ts';
import { GATEWAY_URL, toolAddresses } from './tool-addresses.ts';
import type { Container, EnvironmentVariable, InjectionFacts, InjectionSettings } from './types.ts';

/** What the other containers of the pod are told. */
export interface AppEnvironment {
  /** Whatever stands there already. */
  always: EnvironmentVariable[];
  /** Where the container sets none of the group itself: a client may read one or another of them. */
  unlessSet: { about: 'trust' | 'proxy'; variables: EnvironmentVariable[] }[];
}

/** Read in place of the public roots, which the bundle has as well. */
const ROOTS = [
  'SSL_CERT_FILE',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'AWS_CA_BUNDLE',
  'GIT_SSL_CAINFO',
  'PIP_CERT',
  'HTTPLIB2_CA_CERTS',
  'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH',
];
/** Read beside the public roots. */
const FURTHER_ROOTS = ['NODE_EXTRA_CA_CERTS', 'DENO_CERT'];

const GATEWAY_VARIABLE = 'AEGIS_GATEWAY_URL';
const TOOL_VARIABLE = /^AEGIS_TOOL_[A-Z0-9_]+_URL$/;
const PROXY_NAMES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];
const NODE_PROXY = 'NODE_USE_ENV_PROXY';

const NAMES: ReadonlySet<string> = new Set([
  ...ROOTS,
  ...FURTHER_ROOTS,
  ...PROXY_NAMES,
  ...PROXY_NAMES.map((name) => name.toLowerCase()),
  NODE_PROXY,
]);

/** A variable that nobody else sets. */
function isOwnName(name: string): boolean {
  return name === GATEWAY_VARIABLE || TOOL_VARIABLE.test(name);
}

/** A variable that we may set. */
export function mayBeOurs(name: string): boolean {
  return isOwnName(name) || NAMES.has(name);
}

export function toolVariable(toolId: string): string {
  return `AEGIS_TOOL_${toolId.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_URL`;
}

export function appEnvironment(facts: InjectionFacts, mode: CaptureMode, settings: InjectionSettings): AppEnvironment {
  const { variables } = toolVariables(facts);
  return {
    always: [{ name: GATEWAY_VARIABLE, value: GATEWAY_URL }, ...variables],
    unlessSet: mode === 'Explicit' ? [...trustVariables(), ...proxyVariables(settings)] : trustVariables(),
  };
}

/** Tools whose ids differ only in their dots and dashes; none of them has a variable. */
export function namelessTools(facts: InjectionFacts): string[] {
  return toolVariables(facts).nameless;
}

function toolVariables({ registration }: InjectionFacts) {
  const addresses = toolAddresses(registration.tools);
  const users = new Map<string, number>();
  for (const { toolId } of addresses) {
    const name = toolVariable(toolId);
    users.set(name, (users.get(name) ?? 0) + 1);
  }
  const variables: EnvironmentVariable[] = [];
  const nameless: string[] = [];
  for (const { toolId, url } of addresses) {
    const name = toolVariable(toolId);
    if (users.get(name) === 1) variables.push({ name, value: url });
    else nameless.push(toolId);
  }
  return { variables, nameless };
}

function trustVariables(): AppEnvironment['unlessSet'] {
  const group = (name: string, value: string) => ({ about: 'trust' as const, variables: [{ name, value }] });
  return [
    ...ROOTS.map((name) => group(name, PATHS.trustBundle)),
    ...FURTHER_ROOTS.map((name) => group(name, PATHS.caFile)),
  ];
}

function proxyVariables({ clusterDomain }: InjectionSettings): AppEnvironment['unlessSet'] {
  // clients of the API server go by its address, which only the kubelet knows
  const near = ['localhost', '127.0.0.1', '::1', '.svc', `.${clusterDomain}`, '$(KUBERNETES_SERVICE_HOST)'];
  const group = (name: string, value: string) => ({
    about: 'proxy' as const,
    variables: [name, name.toLowerCase()].map((each) => ({ name: each, value })),
  });
  return [
    group('HTTP_PROXY', GATEWAY_URL),
    group('HTTPS_PROXY', GATEWAY_URL),
    group('NO_PROXY', near.join(',')),
    { about: 'proxy', variables: [variable(NODE_PROXY, '1')] },
  ];
}

/** Without what we have put there, in whichever mode. A value of the container's own stays. */
export function withoutOurVariables(
  env: readonly EnvironmentVariable[],
  settings: InjectionSettings,
): EnvironmentVariable[] {
  const ours = new Map<string, string | undefined>();
  for (const { variables } of [...trustVariables(), ...proxyVariables(settings)]) {
    for (const { name, value } of variables) ours.set(name, value);
  }
  return env.filter(
    ({ name, value }) => !isOwnName(name) && !(value !== undefined && ours.has(name) && ours.get(name) === value),
  );
}

/**
 * Ours come first, so that the container's own can refer to them (`$(AEGIS_TOOL_STRIPE_URL)`).
 * @param container without our variables.
 */
export function withOurVariables(
  container: Container,
  environment: AppEnvironment,
): { env: EnvironmentVariable[]; warnings: string[] } {
  const own = container.env ?? [];
  const set = new Set(own.map(({ name }) => name));
  const env = [...environment.always];
  const warnings: string[] = [];
  for (const { about, variables } of environment.unlessSet) {
    const taken = variables.find(({ name }) => set.has(name));
    if (taken === undefined) env.push(...variables);
    else warnings.push(`Container ${container.name} sets ${taken.name} itself: ${CONSEQUENCE[about]}.`);
  }
  return { env: [...env, ...own], warnings };
}

const CONSEQUENCE = {
  trust: `calls of tools over TLS fail unless it also trusts ${PATHS.caFile}`,
  proxy: 'calls that it keeps from the gateway are not decided',
} as const;
