/** Resources that use every kind of condition, in `when` and in `conditions`, of Permits and Restricts. */
export const EVERY_CONDITION = `
apiVersion: aegis.dev/v1alpha1
kind: AgentTool
metadata: {name: web, namespace: t}
spec:
  protocol: HTTP
  upstream: {url: "https://web.example.com"}
  actions:
  - name: fetch
    effect: read
    undeclared: Refuse
    match: {method: POST, path: /fetch}
    parameters:
      url: {in: json, type: string, format: uri}
      host: {in: json, type: string, format: host}
      path: {in: json, type: string}
      amount: {in: json, type: number, role: amount}
      currency: {in: json, type: string, role: currency}
      dest: {in: json, type: string, role: destination}
      region: {in: json, type: string, role: region}
      channel: {in: json, type: string, role: channel}
      text: {in: json, type: string}
      count: {in: json, type: integer}
      flag: {in: json, type: boolean}
      tags: {in: json, type: array, items: string}
      sizes: {in: json, type: array, items: integer}
      note: {in: json, type: string}
---
apiVersion: aegis.dev/v1alpha1
kind: AgentRegistration
metadata: {name: a, namespace: t}
spec:
  owner: t@example.com
  workload: {selector: {matchLabels: {app: a}}, serviceAccountName: a}
  tools: [{toolId: web}]
  purpose: [care, support]
  delegation: {acceptsFrom: [b, nobody], maxDepth: 2, selfOrigin: true}
---
apiVersion: aegis.dev/v1alpha1
kind: AgentRegistration
metadata: {name: b, namespace: t}
spec:
  owner: t@example.com
  workload: {selector: {matchLabels: {app: b}}, serviceAccountName: b}
  tools: [{toolId: web}]
  purpose: [care]
  unmatched: Observe
  delegation: {acceptsFrom: [a], maxDepth: 1, selfOrigin: true}
---
apiVersion: aegis.dev/v1alpha1
kind: AgentPolicy
metadata: {name: first, namespace: t}
spec:
  scope: {agents: [a], tools: [web]}
  rules:
  - name: hosts
    actions: [fetch]
    when: {params: {url: {hosts: [api.example.com, "*.api.example.com", "10.0.0.1"]}}}
    conditions:
      params:
        url: {cidrs: ["10.0.0.0/8", "::/0"], onFail: approval_needed}
        path: {pathWithin: [/src, /docs], onFail: sanitize}
    sanitize: {request: [{param: path, op: set, value: /src}]}
    overrides: [t/tenant-wide/give-way]
  - name: bare-hosts
    actions: [fetch]
    when: {params: {host: {hosts: [api.example.com, "*.example.com"]}}}
    conditions:
      params:
        host: {cidrs: [10.0.0.0/8, fd00::/8]}
  - name: addresses
    actions: [fetch]
    when: {params: {host: {cidrs: [10.0.0.0/8, fd00::/8, "::/0"]}}}
    outcome: approval_needed
  - name: chains
    actions: [fetch]
    when: {chain: {requireOrigin: [b, nobody]}}
    conditions:
      chain: {allowedCallers: [b, c], maxDepth: 1}
      params: {text: {required: true}, note: {forbidden: true}}
  - name: lists
    actions: [fetch]
    when: {params: {tags: {enum: [x, z]}}}
    conditions: {params: {sizes: {range: {min: 1, max: 5}}}}
  - name: roles
    actions: [fetch]
    conditions:
      maxAmount: "10.5"
      currency: USD
      dest: "*.example.com"
      region: eu-1
      allowedChannels: [mail, chat]
      purpose: care
      timeWindows:
      - {days: [Mon, Tue], from: "08:00", to: "18:00", timeZone: Europe/Berlin}
      - {from: "22:00", to: "06:00"}
      onFail: {timeWindows: approval_needed, purpose: approval_needed}
---
apiVersion: aegis.dev/v1alpha1
kind: AgentPolicy
metadata: {name: tenant-wide, namespace: t}
spec:
  scope: {tenantWide: true}
  rules:
  - name: give-way
    type: Restrict
    overridable: true
    actions: [fetch]
    conditions: {params: {count: {enum: [1, 2, 3], min: 1, max: 2}}}
  - name: lists
    type: Restrict
    actions: [fetch]
    when: {params: {tags: {pattern: "^x+$"}, sizes: {min: 3}}}
    outcome: approval_needed
  - name: unknown-binds
    type: Restrict
    actions: ['*']
    when: {purpose: support, params: {flag: {enum: ["true"]}, text: {maxLength: 3, pattern: "^[a-z]*$"}}}
    outcome: deny
  - name: at-night
    type: Restrict
    actions: [fetch]
    when: {timeWindows: [{from: "20:00", to: "23:30", timeZone: America/New_York}], params: {path: {pathWithin: [/src]}}}
    conditions: {params: {note: {required: true}}}
    failureAction: approval_needed
`;
