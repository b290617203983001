/** A small tenant for tests of failures: a tool with a low-risk read, a write with a budget, and a stream. */
import type { Source } from '../../policy/source/load-sources.ts';

export const LEDGER_AGENT = 'clerk-agent';
export const LEDGER_TENANT = 'books';
/** Named by clients that do not know of the gateway. */
export const LEDGER_HOST = 'ledger.example.com';

export interface LedgerOptions {
  /** Largest amount of a write that passes by itself; default 100. */
  cap?: number;
  /** What a write above the cap becomes; default a denial. */
  above?: 'deny' | 'approval_needed';
  /** Sum of the amounts of a day; default 1,000,000. */
  budget?: number;
  /** Of the tenant; default what the product has. */
  failMode?: 'Closed' | 'StaleReadOnly';
  /** Digits that the API adds to an amount: 2 where it counts cents. Default 0. */
  scale?: 0 | 2;
}

/**
 * `GET /entries/{id}` reads at low risk, `POST /entries` (JSON) and `POST /transfers` (form) write an `amount`,
 * `GET /events` streams; reads have a limit as well. `GET /audit` reads at high risk, with a limit too.
 */
export function ledgerSources(options: LedgerOptions = {}): Source[] {
  const { cap = 100, above = 'deny', budget = 1_000_000, failMode = 'Closed', scale = 0 } = options;
  const meta = (name: string): string => `metadata: {name: ${name}, namespace: ${LEDGER_TENANT}}`;
  const amount = `type: integer, role: amount${scale === 0 ? '' : `, scale: ${scale}`}`;
  const text = `
apiVersion: aegis.dev/v1alpha1
kind: AgentTenant
metadata: {name: ${LEDGER_TENANT}}
spec: {namespaces: [${LEDGER_TENANT}], failMode: ${failMode}}
---
apiVersion: aegis.dev/v1alpha1
kind: AgentTool
${meta('ledger')}
spec:
  protocol: HTTP
  upstream: {url: "https://${LEDGER_HOST}"}
  riskTier: low
  denial: {shape: Stripe}
  actions:
  - {name: get_entry, effect: read, match: {method: GET, path: "/entries/{id}"}}
  - {name: follow, effect: read, match: {method: GET, path: /events}}
  - {name: audit, effect: read, riskTier: high, match: {method: GET, path: /audit}}
  - name: add_entry
    effect: write
    match: {method: POST, path: /entries}
    parameters:
      amount: {in: json, pointer: /amount, ${amount}}
      note: {in: json, pointer: /note, type: string}
  - name: transfer
    effect: write
    match: {method: POST, path: /transfers}
    parameters:
      amount: {in: form, ${amount}}
      note: {in: form, type: string}
---
apiVersion: aegis.dev/v1alpha1
kind: AgentRegistration
${meta(LEDGER_AGENT)}
spec:
  owner: books@example.com
  workload: {selector: {matchLabels: {app: clerk}}, serviceAccountName: clerk}
  tools: [{toolId: ledger}]
---
apiVersion: aegis.dev/v1alpha1
kind: AgentPolicy
${meta('bookkeeping')}
spec:
  scope: {agents: [${LEDGER_AGENT}], tools: [ledger]}
  rules:
  - name: read
    actions: [get_entry, follow, audit]
    limits: [{name: reads, rate: {max: 100000, window: 1m}}]
  - name: write
    actions: [add_entry, transfer]
    conditions: {maxAmount: ${cap}}
    failureAction: ${above}
    limits: [{name: spend, budget: {parameter: amount, max: ${budget}, window: 24h}}]
  rollout: {profile: immediate}
  change: {author: books@example.com, reason: "bookkeeping", ticket: BOOK-1}
`;
  return [{ file: 'books.yaml', text }];
}
