import type { ErrorTable } from './error-table.ts';

/** Keys and bundles as the operator keeps them in the cluster. */
export const OPERATOR_BUNDLES_ERRORS = {
  AEGIS_SIGNING_KEYS: {
    summary: 'The Secret with the signing keys is not in the form that Aegis writes.',
    fix: 'Restore it from a backup. Only if no agent depends on it: delete it, and restart operator and agents.',
  },
  AEGIS_SIGNING_KEYS_GONE: {
    summary: 'The Secret with the signing keys was deleted; the operator goes on with the keys in its memory.',
    fix: 'Nothing, while an operator runs: its leader writes the Secret again. Back the Secret up.',
  },
  AEGIS_SIGNING_KEYS_CONFLICT: {
    summary: 'The Secret with the signing keys was changed by somebody else at the same time.',
    fix: 'Look at `aegis keys list` and repeat the command if it is still needed.',
  },
  AEGIS_SIGNING_KEY_REVOKED: {
    summary: 'The active signing key is revoked by an earlier head of the tenant, so it cannot sign the next one.',
    fix: 'Run `aegis keys rotate`; the operator then signs with the next key.',
  },
  AEGIS_KEY_ACTIVE: {
    summary: 'The active signing key cannot be revoked, because nothing could be signed any more.',
    fix: 'Run `aegis keys rotate` first, wait until `aegis keys list` shows no tenant for the old key, then revoke it.',
  },
  AEGIS_KEY_IN_USE: {
    summary: 'Bundles in force are still signed by the key that should be revoked.',
    fix: 'Let the operator run until it has signed them with the active key; `aegis keys list` shows which are left.',
  },
  AEGIS_KEY_NOT_FOUND: {
    summary: 'There is no signing key with this id.',
    fix: 'Use an id that `aegis keys list` shows.',
  },
  AEGIS_HEAD_CONFLICT: {
    summary: 'Another operator has committed a bundle of the tenant: this one is not the leader any more.',
    fix: 'Nothing; it restarts and follows. If it repeats, two operators manage one namespace: stop one of them.',
  },
  AEGIS_HEAD_DAMAGED: {
    summary: 'The ConfigMap with the head of a tenant is not what the operator has written.',
    fix: 'Do not edit these ConfigMaps. A running leader puts it back; who changed it stands in the audit log.',
  },
  AEGIS_SHARD_MISSING: {
    summary: 'ConfigMaps that belong to a committed bundle are missing.',
    fix: 'Restore them from a backup, or let the leader write them again or publish the tenant anew.',
  },
  AEGIS_SHARD_DAMAGED: {
    summary: 'A ConfigMap that belongs to a committed bundle does not hold what its name says.',
    fix: 'Do not edit these ConfigMaps. A running leader replaces it; who changed it stands in the audit log.',
  },
  AEGIS_COMMIT_UNKNOWN: {
    summary: 'The API server did not say whether a commit was stored, and could not be asked.',
    fix: 'Nothing: the operator tries again. Check the health of the API server.',
  },
  AEGIS_COMMIT_SLOW: {
    summary: 'Writing the parts of a bundle took so long that they may have been cleared away; nothing was committed.',
    fix: 'Nothing: the operator tries again. Check the health and the load of the API server.',
  },
  AEGIS_CLUSTER: {
    summary: 'The API server cannot be reached, or does not allow what the command needs.',
    fix: 'Check --kubeconfig, --namespace, and your permissions on Secrets and ConfigMaps of that namespace.',
  },
  AEGIS_BOOTSTRAP_TOO_LARGE: {
    summary: 'The slice of an agent is too large for the one ConfigMap that its pods mount to start from.',
    fix: 'Nothing is lost: its gateways fetch it from the operator. Fewer or smaller policies per agent avoid it.',
  },
} as const satisfies ErrorTable;
