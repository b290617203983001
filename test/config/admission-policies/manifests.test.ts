/** What the manifests have in common, and that their constants stand in one place. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import {
  ALLOW_OPT_OUT_LABEL,
  CAPTURE_CONTAINER,
  GATEWAY_CONTAINER,
  GATEWAY_UID,
  INJECT_LABEL,
  STAMP_ANNOTATION,
  TOKEN_AUDIENCE,
  VOLUMES,
} from '../../../policy/wire/pod-contract.ts';
import { kubectlSync } from '../../apiserver/kubectl.ts';
import { POLICIES, ROOT } from './harness.ts';

const documents = (text: string): unknown[] => parseAllDocuments(text).map((document) => document.toJS());

interface Policy {
  kind: string;
  metadata: { name: string; labels: Record<string, string> };
  spec: {
    failurePolicy: string;
    policyName: string;
    validationActions: string[];
    matchConstraints: { matchPolicy: string; namespaceSelector?: unknown; resourceRules: { resources: string[] }[] };
    variables?: { name: string; expression: string }[];
    validations: { expression: string; message: string; reason: string }[];
  };
}

const files = readdirSync(POLICIES).filter((name) => name.startsWith('aegis-'));
const policies = files.map((file) => {
  const [policy, binding] = documents(readFileSync(join(POLICIES, file), 'utf8')) as [Policy, Policy];
  return { file, policy, binding };
});
const constants = (parse(readFileSync(join(POLICIES, 'constants.yaml'), 'utf8')) as { data: Record<string, string> })
  .data;
const rendered = (folder: string): Policy[] =>
  documents(kubectlSync(['kustomize', folder], { kubeconfig: '/dev/null', home: tmpdir() })) as Policy[];

test.each(policies)('$file: one policy, bound under its own name, which fails closed', ({ file, policy, binding }) => {
  const name = file.replace('.yaml', '');
  expect([policy.kind, policy.metadata.name]).toEqual(['ValidatingAdmissionPolicy', name]);
  expect([binding.kind, binding.metadata.name]).toEqual(['ValidatingAdmissionPolicyBinding', name]);
  expect(binding.spec).toEqual({ policyName: name, validationActions: ['Deny'] });
  expect(policy.spec).toMatchObject({ failurePolicy: 'Fail', matchConstraints: { matchPolicy: 'Equivalent' } });
  expect(policy.metadata.labels).toMatchObject({ 'app.kubernetes.io/part-of': 'aegis' });
  for (const { message, reason } of policy.spec.validations) {
    expect([name, reason]).toEqual([name, expect.stringMatching(/^(Forbidden|Invalid)$/)]);
    expect([name, message]).toEqual([name, expect.not.stringContaining('\n')]);
  }
});

test('pods are looked at in namespaces of agents alone, but for tokens', () => {
  const webhooks = documents(readFileSync(join(ROOT, 'config/webhook/pod-webhooks.yaml'), 'utf8')) as {
    webhooks: { namespaceSelector: unknown }[];
  }[];
  const selectors = webhooks.flatMap(({ webhooks: all }) => all.map(({ namespaceSelector }) => namespaceSelector));
  const ofPods = policies.filter(({ policy }) =>
    policy.spec.matchConstraints.resourceRules.some(({ resources }) => resources.some((each) => /^pods/.test(each))),
  );
  expect(ofPods).toHaveLength(6);
  for (const { file, policy } of ofPods) {
    const { namespaceSelector } = policy.spec.matchConstraints;
    if (file === 'aegis-audience.yaml') expect(namespaceSelector).toBeUndefined();
    else for (const selector of selectors) expect([file, namespaceSelector]).toEqual([file, selector]);
  }
});

test('constants are the same everywhere, and fit the contract', () => {
  expect(constants.gatewayUid).toBe(String(GATEWAY_UID));
  for (const { file, policy } of policies) {
    for (const { name, expression } of policy.spec.variables ?? []) {
      if (name in constants) expect([file, name, expression]).toEqual([file, name, constants[name]]);
    }
    expect([file, policy.spec.validations.some((each) => each.expression.includes('16001'))]).toEqual([file, false]);
  }
  const all = JSON.stringify(policies);
  const words = [INJECT_LABEL, ALLOW_OPT_OUT_LABEL, STAMP_ANNOTATION, GATEWAY_CONTAINER, CAPTURE_CONTAINER];
  for (const word of [...words, TOKEN_AUDIENCE, ...Object.values(VOLUMES)]) expect(all).toContain(`'${word}'`);
});

test('kustomize applies all of them, and puts other constants into every place', () => {
  expect(
    rendered(POLICIES)
      .map(({ metadata }) => metadata.name)
      .sort(),
  ).toEqual(policies.flatMap(({ policy, binding }) => [policy.metadata.name, binding.metadata.name]).sort());
  const folder = mkdtempSync(join(tmpdir(), 'aegis-policies-'));
  try {
    cpSync(POLICIES, folder, { recursive: true });
    const other = { gatewayImage: "'registry.example.com/aegis/'", gatewayUid: '23456', operator: "'other:operator'" };
    expect(Object.keys(other).sort()).toEqual(Object.keys(constants).sort());
    let text = readFileSync(join(folder, 'constants.yaml'), 'utf8');
    for (const [name, value] of Object.entries(other)) text = text.replace(constants[name] as string, value);
    writeFileSync(join(folder, 'constants.yaml'), text);
    const changed = rendered(folder).flatMap(({ spec }) => spec.variables ?? []);
    const used = changed.filter(({ name }) => name in other);
    for (const { name, expression } of used) expect([name, expression]).toEqual([name, other[name as 'operator']]);
    expect(new Set(used.map(({ name }) => name))).toEqual(new Set(Object.keys(other)));
    const before = policies.flatMap(({ policy }) => policy.spec.variables ?? []).filter(({ name }) => name in other);
    expect(used).toHaveLength(before.length);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

const guide = readFileSync(join(ROOT, 'docs/admission-policies.md'), 'utf8');

test('the overlay of the guide changes what it says', () => {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-overlay-'));
  try {
    cpSync(POLICIES, join(folder, 'base'), { recursive: true });
    const overlay = /```yaml\n(resources:[\s\S]*?)```/.exec(guide)?.[1] as string;
    const text = overlay.replace('../../config/operator', './base');
    writeFileSync(join(folder, 'kustomization.yaml'), text);
    const images = rendered(folder)
      .flatMap(({ spec }) => spec.variables ?? [])
      .filter(({ name }) => name === 'gatewayImage');
    const expression = "'registry.example.com/aegis/aegis-gateway'";
    expect(images).toEqual([1, 2].map(() => ({ name: 'gatewayImage', expression })));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the guide names every policy', () => {
  for (const { policy } of policies) expect(guide).toContain(`\`${policy.metadata.name}\``);
});
