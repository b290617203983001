import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { MAX_MESSAGE } from '../../../operator/status/clip-text.ts';
import { MAX_WARNINGS } from '../../../operator/status/finding-text.ts';
import { policyStatus } from '../../../operator/status/policy-status.ts';
import { registrationStatus } from '../../../operator/status/registration-status.ts';
import { differenceOf, sameStatus } from '../../../operator/status/status-difference.ts';
import { tenantStatus } from '../../../operator/status/tenant-status.ts';
import { toolStatus } from '../../../operator/status/tool-status.ts';
import { wakeAt } from '../../../operator/status/wake-at.ts';
import { KIND_SCHEMAS } from '../../../policy/resources/schemas.generated.ts';
import type { StatusCondition } from '../../../policy/resources/types.generated.ts';
import { toJsonSchema } from '../../../policy/validation/json-schema.ts';
import { kstatusOf } from '../../support/kstatus.ts';
import { policyView, registrationView, START, tenantView, toolView } from './arbitraries.ts';

interface Status {
  observedGeneration?: number;
  conditions?: StatusCondition[];
  warnings?: string[];
}

interface View {
  generation: number;
  takesPart: string;
  deleting?: boolean;
}

/** A kind with its type parameters forgotten: properties hold for any view of any kind. */
interface Kind {
  kind: 'AgentPolicy' | 'AgentRegistration' | 'AgentTool' | 'AgentTenant';
  view: fc.Arbitrary<View>;
  status(view: View, previous: Status | undefined, now: number): Status;
}

const KINDS: Kind[] = [
  { kind: 'AgentPolicy', view: policyView, status: policyStatus as unknown as Kind['status'] },
  { kind: 'AgentRegistration', view: registrationView, status: registrationStatus as unknown as Kind['status'] },
  { kind: 'AgentTool', view: toolView, status: toolStatus as unknown as Kind['status'] },
  { kind: 'AgentTenant', view: tenantView, status: tenantStatus as unknown as Kind['status'] },
];

function validatorOf(kind: Kind['kind']) {
  const ajv = new Ajv({ allErrors: true, strict: false });
  addFormats.default(ajv, ['date-time']);
  const schema = KIND_SCHEMAS[kind].schema.properties?.status;
  if (schema === undefined) throw new Error(`${kind} has no status`);
  return ajv.compile(toJsonSchema(schema, { closed: true }));
}

function typed({ conditions = [] }: Status, type: string): StatusCondition | undefined {
  return conditions.find((condition) => condition.type === type);
}

const steps = (view: fc.Arbitrary<View>) =>
  fc.array(fc.record({ view, after: fc.constantFrom(0, 1, 1000, 61_000, 400_000) }), { minLength: 1, maxLength: 6 });

describe.each(KINDS)('$kind', ({ kind, view: views, status }) => {
  const validate = validatorOf(kind);

  /** The statuses that a row of views gives, each with the one before. */
  function* passes(row: { view: View; after: number }[]) {
    let previous: Status | undefined;
    let now = START;
    for (const { view, after } of row) {
      now += after;
      const next = status(view, previous, now);
      yield { view, previous, next, now };
      previous = next;
    }
  }

  test('every status is acceptable to the API server', () => {
    fc.assert(
      fc.property(steps(views), (row) => {
        for (const { next } of passes(row)) {
          expect(validate(next) ? [] : validate.errors).toEqual([]);
          // it reads back as it was written: no lone surrogates, nothing that JSON leaves out or changes
          expect(JSON.parse(JSON.stringify(next))).toEqual(next);
          for (const { message } of next.conditions ?? []) {
            expect(Buffer.byteLength(message)).toBeLessThanOrEqual(MAX_MESSAGE);
            expect(message.isWellFormed()).toBe(true);
          }
          expect((next.warnings ?? []).length).toBeLessThanOrEqual(MAX_WARNINGS);
        }
      }),
    );
  });

  test('every condition speaks of the generation that was seen, and none twice', () => {
    fc.assert(
      fc.property(steps(views), (row) => {
        for (const { view, next } of passes(row)) {
          const { observedGeneration, conditions = [] } = next;
          expect(observedGeneration).toBe(view.generation);
          expect(conditions.map((condition) => condition.observedGeneration)).toEqual(
            conditions.map(() => view.generation),
          );
          expect(new Set(conditions.map(({ type }) => type)).size).toBe(conditions.length);
        }
      }),
    );
  });

  test('Ready is always there, Reconciling and Stalled only when true, never both, and never beside Ready', () => {
    fc.assert(
      fc.property(steps(views), (row) => {
        for (const { view, next } of passes(row)) {
          const [ready, ...others] = ['Ready', 'Reconciling', 'Stalled'].map((type) => typed(next, type)?.status);
          expect(['True', 'False']).toContain(ready);
          expect(['', 'True']).toContain(others.join(''));
          // an unused version, or one that is going away, is never what was asked for
          const wrong = view.takesPart !== 'current' || view.deleting === true;
          if (wrong || others.includes('True')) expect(ready).toBe('False');
        }
      }),
    );
  });

  test('GitOps tools read Current only for the generation that was seen, Failed only where it is stalled', () => {
    fc.assert(
      fc.property(steps(views), fc.integer({ min: 1, max: 5 }), (row, generation) => {
        for (const { view, next } of passes(row)) {
          const health = kstatusOf({ metadata: { generation }, status: next });
          if (generation !== view.generation) expect(health).toBe('InProgress');
          else if (typed(next, 'Stalled') !== undefined) expect(health).toBe('Failed');
          else expect(health).toBe(typed(next, 'Ready')?.status === 'True' ? 'Current' : 'InProgress');
        }
      }),
    );
  });

  test('the same view gives the same status again, whatever stood there before', () => {
    fc.assert(
      fc.property(steps(views), fc.nat({ max: 100_000 }), (row, later) => {
        for (const { view, previous, next, now } of passes(row)) {
          expect(status(view, previous, now)).toEqual(next);
          const wake = wakeAt(view as never, now) ?? Number.POSITIVE_INFINITY;
          const after = status(view, next, Math.min(now + later, wake - 1));
          expect(after).toEqual(next);
          expect(differenceOf(kind, after, next)).toBe('none');
          // another reader may return named lists in another order
          const turned = { ...next, conditions: [...(next.conditions ?? [])].reverse() };
          expect(sameStatus(next, turned)).toBe(true);
          expect(status(view, turned, now)).toEqual(next);
        }
      }),
    );
  });

  test('lastTransitionTime changes with the status of a condition, and only then', () => {
    fc.assert(
      fc.property(steps(views), (row) => {
        for (const { previous, next, now } of passes(row)) {
          for (const condition of next.conditions ?? []) {
            const before = previous && typed(previous, condition.type);
            const kept = before?.status === condition.status;
            const at = kept ? before.lastTransitionTime : `${new Date(now).toISOString().slice(0, 19)}Z`;
            expect(condition.lastTransitionTime).toBe(at);
          }
        }
      }),
    );
  });

  test('time alone changes a status only at the moment that is announced', () => {
    fc.assert(
      fc.property(views, (view) => {
        const before = status(view, undefined, START);
        const wake = wakeAt(view as never, START);
        if (wake === undefined) {
          expect(differenceOf(kind, status(view, before, START + 86_400_000), before)).toBe('none');
        } else {
          expect(wake).toBeGreaterThan(START);
          expect(wakeAt(view as never, wake)).toBeUndefined();
        }
      }),
    );
  });
});
