import type { ErrorTable } from './error-table.ts';

/** How bundles reach a gateway and stay there: sources, the copy on disk, staleness, acknowledgement. */
export const BUNDLE_LIFE_ERRORS = {
  AEGIS_BUNDLE_SOURCE: {
    summary: 'The folder, archive or mount that should hold the bundle cannot be read, or keeps changing.',
    fix: 'Check the path, its mount and its permissions; writers should put files in place by renaming them.',
  },
  AEGIS_BUNDLE_SHARDS: {
    summary: 'The shards of a bundle do not make up what their index says.',
    fix: 'Publish index and shards of one bundle together; a mount catches up by itself within a minute or two.',
  },
  AEGIS_BUNDLE_FETCH: {
    summary: 'The bundle server cannot be reached, or the connection broke.',
    fix: 'Check address, DNS, network policies and the CA file; the gateway tries again by itself.',
  },
  AEGIS_BUNDLE_FETCH_TIMEOUT: {
    summary: 'The bundle server did not answer, or did not finish, in time.',
    fix: 'Check the load of the server and the proxies on the way; the gateway tries again by itself.',
  },
  AEGIS_BUNDLE_FETCH_STATUS: {
    summary: 'The bundle server answered with something other than a bundle.',
    fix: 'Look at the status in the message and in the log of the server.',
  },
  AEGIS_BUNDLE_REDIRECT: {
    summary: 'The bundle server redirects; redirects are not followed, because they would carry the token elsewhere.',
    fix: 'Configure the final address.',
  },
  AEGIS_BUNDLE_UNAUTHORIZED: {
    summary: 'The bundle server does not accept the token of this gateway (401 or 403).',
    fix: 'Check that the token file is mounted and fresh, its audience, and that the agent is registered.',
  },
  AEGIS_BUNDLE_NOT_FOUND: {
    summary: 'The bundle server has no bundle for this gateway (404).',
    fix: 'Check tenant and agent in the address, and whether anything was published for them yet.',
  },
  AEGIS_BUNDLE_TOKEN: {
    summary: 'The file with the token for the bundle server cannot be read or holds no token.',
    fix: 'Check that the file is mounted; it holds the token alone, in one line.',
  },
  AEGIS_BUNDLE_INSECURE: {
    summary: 'A token would be sent in the clear to another machine.',
    fix: 'Use https for the bundle server, or leave the token out.',
  },
  AEGIS_BUNDLE_STORE: {
    summary:
      'The last known good bundle cannot be written to disk; after a restart the gateway would start without it.',
    fix: 'Give the state folder space and write permission; the gateway tries again by itself.',
  },
  AEGIS_BUNDLE_STORE_CORRUPT: {
    summary: 'What the gateway kept on disk is damaged, or belongs to another tenant or agent; it is ignored.',
    fix: 'Nothing, if a source is reachable. Otherwise the gateway stays closed until one is.',
  },
  AEGIS_BUNDLE_STALE: {
    summary:
      'The bundle in force is older than maxStaleness; calls are refused, except low-risk reads under StaleReadOnly.',
    fix: 'Find out why no newer head arrives (see the errors of the sources in /health), and that clocks are right.',
  },
  AEGIS_BUNDLE_ACKNOWLEDGE: {
    summary: 'The operator could not be told which bundle is active; enforcement does not depend on it.',
    fix: 'Check the address and the token; the gateway tries again by itself.',
  },
} as const satisfies ErrorTable;
