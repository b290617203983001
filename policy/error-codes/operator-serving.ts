import type { ErrorTable } from './error-table.ts';

/** The operator's bundle API: who asks, what is answered, what gateways tell. */
export const OPERATOR_SERVING_ERRORS = {
  AEGIS_SERVING_UNAUTHENTICATED: {
    summary: 'The request to the operator has no bearer token, or one that is out of form.',
    fix: 'Send the projected ServiceAccount token in the Authorization header.',
  },
  AEGIS_SERVING_TOKEN: {
    summary: 'The API server does not accept the token, or it is for another audience.',
    fix: 'Mount a projected token with audience aegis.dev, and read the file anew for every request.',
  },
  AEGIS_SERVING_TOKEN_UNBOUND: {
    summary: 'The token is not bound to a pod, so it says nothing about who uses it.',
    fix: 'Use a token projected into the pod (or requested with the pod as boundObjectRef), not a long-lived one.',
  },
  AEGIS_SERVING_POD: {
    summary: 'The pod that the token is bound to is gone, ends, has finished, or is not the one it claims to be.',
    fix: 'Nothing, if the pod ends. Otherwise look whether token, pod uid, node and ServiceAccount belong together.',
  },
  AEGIS_SERVING_UNREGISTERED: {
    summary: 'No accepted AgentRegistration matches the pod.',
    fix: 'Compare selector and serviceAccountName of the AgentRegistration with the pod, and look at its conditions.',
  },
  AEGIS_SERVING_AMBIGUOUS: {
    summary: 'Several AgentRegistrations match the pod, so it belongs to none.',
    fix: 'Narrow the selectors until exactly one matches.',
  },
  AEGIS_SERVING_FORBIDDEN: {
    summary: 'A gateway asked for another slice than its own; whether there is one is not said.',
    fix: 'Set tenant and agent in the bundle address of the gateway to what the registration of its pod says.',
  },
  AEGIS_SERVING_NOT_FOUND: {
    summary: 'There is no such path, or nothing has been published for the agent yet.',
    fix: 'Look at the conditions of the AgentRegistration; the gateway tries again by itself.',
  },
  AEGIS_SERVING_METHOD: {
    summary: 'The path does not know the method.',
    fix: 'Use one of the methods in the Allow header.',
  },
  AEGIS_SERVING_BODY: {
    summary: 'The body is not the JSON document that the path expects, or is too large.',
    fix: 'Send what docs/bundle-api.md describes; gateway and operator may be of versions that do not go together.',
  },
  AEGIS_SERVING_BODY_IDENTITY: {
    summary: 'The body names another tenant or agent than the one that the token stands for.',
    fix: 'Set tenant and agent of the gateway to what the registration of its pod says.',
  },
  AEGIS_SERVING_COUNTERS: {
    summary: 'Counters went down although the gateway says that it has not restarted; the report is not counted.',
    fix: 'Nothing, if it happens once (a report overtook another). Otherwise the gateway is not to be trusted.',
  },
  AEGIS_SERVING_BUSY: {
    summary: 'Too many requests, or too many failed ones, in a short time.',
    fix: 'Wait as long as Retry-After says.',
  },
  AEGIS_SERVING_UNAVAILABLE: {
    summary: 'Who asks cannot be verified, because the API server does not answer.',
    fix: 'Nothing; gateways keep their last good bundle and try again. Check the API server if it lasts.',
  },
  AEGIS_SERVING_NOT_READY: {
    summary: 'The operator has not read everything yet.',
    fix: 'Wait as long as Retry-After says; look at /readyz if it lasts.',
  },
  AEGIS_SERVING_NOT_LEADER: {
    summary: 'What gateways told was passed on to a replica that does not lead.',
    fix: 'Nothing; it is sent again to the one that does.',
  },
  AEGIS_SERVING_RELAY: {
    summary: 'What gateways told could not be passed on to the leading replica; it is kept and sent again.',
    fix: 'Check that replicas reach each other on the port of the bundle API, and the token and CA files.',
  },
} as const satisfies ErrorTable;
