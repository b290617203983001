export const AEGIS_GROUP = 'aegis.dev';
export const AEGIS_VERSION = 'v1alpha1';

/** Kinds of the API, and `TestSuite`, which only exists offline (`aegis test`). */
export const AEGIS_KINDS: ReadonlySet<string> = new Set([
  'AgentPolicy',
  'AgentRegistration',
  'AgentTool',
  'AgentTenant',
  'ApprovalRequest',
  'ApprovalDecision',
  'EmergencyAction',
  'TestSuite',
]);

/** `aegis.dev` of `aegis.dev/v1alpha1`, also where the version was forgotten; '' for the core group (`v1`). */
export function groupOf(apiVersion: unknown): string {
  if (typeof apiVersion !== 'string') return '';
  const slash = apiVersion.indexOf('/');
  if (slash !== -1) return apiVersion.slice(0, slash).toLowerCase();
  return apiVersion.includes('.') ? apiVersion.toLowerCase() : '';
}
