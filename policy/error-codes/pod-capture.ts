import type { ErrorTable } from './error-table.ts';

/** The init container that redirects the traffic of a pod. Each of these keeps the pod from starting. */
export const POD_CAPTURE_ERRORS = {
  AEGIS_CAPTURE_CONFIG: {
    summary: 'What the init container aegis-capture is told cannot be understood, so the pod is not started unguarded.',
    fix: 'Use the gateway image that belongs to the operator, and let nothing else change the init container.',
  },
  AEGIS_CAPTURE_RULES: {
    summary: 'The rules that redirect the traffic of the pod cannot be applied.',
    fix: 'Check that the node has nf_tables and that the init container is root with NET_ADMIN; the message says what failed.',
  },
  AEGIS_CAPTURE_DIFFERS: {
    summary: 'The rules of the pod are not those that were applied a moment ago: something else changes them.',
    fix: 'Find what else writes iptables rules in the pod, such as another init container, and keep it from doing so.',
  },
} as const satisfies ErrorTable;
