// Generated from crds/ by `node scripts/generate.ts`. Do not edit.
import type { KindSchema } from './schema.ts';
import type { AegisKind } from './types.generated.ts';

/** Structural schema of every kind, with CEL rules and defaults. */
export const KIND_SCHEMAS: Readonly<Record<AegisKind, KindSchema>> = {
  AgentPolicy: {
   "kind": "AgentPolicy",
   "plural": "agentpolicies",
   "scope": "Namespaced",
   "schema": {
    "type": "object",
    "x-kubernetes-preserve-unknown-fields": true,
    "required": [
     "spec"
    ],
    "properties": {
     "apiVersion": {
      "type": "string",
      "maxLength": 64
     },
     "kind": {
      "type": "string",
      "maxLength": 64
     },
     "metadata": {
      "type": "object"
     },
     "spec": {
      "type": "object",
      "x-kubernetes-preserve-unknown-fields": true,
      "required": [
       "scope",
       "rules"
      ],
      "properties": {
       "scope": {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
         "tenantWide": {
          "type": "boolean",
          "nullable": true
         },
         "agents": {
          "type": "array",
          "nullable": true,
          "x-kubernetes-list-type": "set",
          "minItems": 1,
          "maxItems": 256,
          "items": {
           "type": "string",
           "minLength": 1,
           "maxLength": 63,
           "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
          }
         },
         "tools": {
          "type": "array",
          "nullable": true,
          "x-kubernetes-list-type": "set",
          "minItems": 1,
          "maxItems": 256,
          "items": {
           "type": "string",
           "minLength": 1,
           "maxLength": 63,
           "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
          }
         }
        },
        "x-kubernetes-validations": [
         {
          "rule": "(has(self.tenantWide) && self.tenantWide) || has(self.agents) || has(self.tools)",
          "reason": "FieldValueRequired",
          "message": "scope says nothing; list agents or tools, or write tenantWide: true to mean every agent and tool"
         },
         {
          "rule": "!(has(self.tenantWide) && self.tenantWide) || !(has(self.agents) || has(self.tools))",
          "reason": "FieldValueForbidden",
          "fieldPath": ".tenantWide",
          "message": "tenantWide: true already covers every agent and tool; remove agents and tools, or remove tenantWide"
         }
        ]
       },
       "rules": {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [
         "name"
        ],
        "minItems": 1,
        "maxItems": 64,
        "items": {
         "type": "object",
         "x-kubernetes-preserve-unknown-fields": true,
         "required": [
          "name",
          "actions"
         ],
         "properties": {
          "name": {
           "type": "string",
           "minLength": 1,
           "maxLength": 63,
           "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
          },
          "description": {
           "type": "string",
           "nullable": true,
           "minLength": 1,
           "maxLength": 1024
          },
          "type": {
           "type": "string",
           "enum": [
            "Permit",
            "Restrict"
           ],
           "default": "Permit"
          },
          "actions": {
           "type": "array",
           "x-kubernetes-list-type": "set",
           "minItems": 1,
           "maxItems": 64,
           "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": 128,
            "pattern": "^(\\*|[A-Za-z0-9_][A-Za-z0-9_./:-]*)$"
           }
          },
          "when": {
           "type": "object",
           "nullable": true,
           "x-kubernetes-preserve-unknown-fields": true,
           "minProperties": 1,
           "properties": {
            "maxAmount": {
             "x-kubernetes-int-or-string": true,
             "nullable": true,
             "minimum": -9007199254740991,
             "maximum": 9007199254740991,
             "maxLength": 26,
             "pattern": "^-?[0-9]{1,15}(\\.[0-9]{1,9})?$"
            },
            "currency": {
             "type": "string",
             "nullable": true,
             "minLength": 3,
             "maxLength": 3,
             "pattern": "^[A-Z]{3}$"
            },
            "purpose": {
             "type": "string",
             "nullable": true,
             "minLength": 1,
             "maxLength": 128
            },
            "dest": {
             "type": "string",
             "nullable": true,
             "minLength": 1,
             "maxLength": 253,
             "pattern": "^(\\*\\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$"
            },
            "region": {
             "type": "string",
             "nullable": true,
             "minLength": 1,
             "maxLength": 63,
             "pattern": "^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$"
            },
            "allowedChannels": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "set",
             "minItems": 1,
             "maxItems": 64,
             "items": {
              "type": "string",
              "minLength": 1,
              "maxLength": 128
             }
            },
            "timeWindows": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "atomic",
             "minItems": 1,
             "maxItems": 16,
             "items": {
              "type": "object",
              "x-kubernetes-preserve-unknown-fields": true,
              "required": [
               "from",
               "to"
              ],
              "properties": {
               "days": {
                "type": "array",
                "nullable": true,
                "x-kubernetes-list-type": "set",
                "minItems": 1,
                "maxItems": 7,
                "items": {
                 "type": "string",
                 "enum": [
                  "Mon",
                  "Tue",
                  "Wed",
                  "Thu",
                  "Fri",
                  "Sat",
                  "Sun"
                 ]
                }
               },
               "from": {
                "type": "string",
                "minLength": 5,
                "maxLength": 5,
                "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"
               },
               "to": {
                "type": "string",
                "minLength": 5,
                "maxLength": 5,
                "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
               },
               "timeZone": {
                "type": "string",
                "minLength": 1,
                "maxLength": 64,
                "default": "UTC",
                "pattern": "^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$"
               }
              },
              "x-kubernetes-validations": [
               {
                "rule": "self.from != self.to",
                "fieldPath": ".to",
                "message": "from and to are equal, so the window is empty; write from \"00:00\" to \"24:00\" for a whole day"
               }
              ]
             }
            },
            "chain": {
             "type": "object",
             "nullable": true,
             "x-kubernetes-preserve-unknown-fields": true,
             "minProperties": 1,
             "properties": {
              "allowedCallers": {
               "type": "array",
               "nullable": true,
               "x-kubernetes-list-type": "set",
               "minItems": 1,
               "maxItems": 64,
               "items": {
                "type": "string",
                "minLength": 1,
                "maxLength": 63,
                "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
               }
              },
              "maxDepth": {
               "type": "integer",
               "nullable": true,
               "format": "int32",
               "minimum": 0,
               "maximum": 16
              },
              "requireOrigin": {
               "type": "array",
               "nullable": true,
               "x-kubernetes-list-type": "set",
               "minItems": 1,
               "maxItems": 64,
               "items": {
                "type": "string",
                "minLength": 1,
                "maxLength": 63,
                "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
               }
              }
             }
            },
            "params": {
             "type": "object",
             "nullable": true,
             "minProperties": 1,
             "maxProperties": 32,
             "additionalProperties": {
              "type": "object",
              "nullable": true,
              "x-kubernetes-preserve-unknown-fields": true,
              "minProperties": 1,
              "properties": {
               "max": {
                "x-kubernetes-int-or-string": true,
                "nullable": true,
                "minimum": -9007199254740991,
                "maximum": 9007199254740991,
                "maxLength": 26,
                "pattern": "^-?[0-9]{1,15}(\\.[0-9]{1,9})?$"
               },
               "min": {
                "x-kubernetes-int-or-string": true,
                "nullable": true,
                "minimum": -9007199254740991,
                "maximum": 9007199254740991,
                "maxLength": 26,
                "pattern": "^-?[0-9]{1,15}(\\.[0-9]{1,9})?$"
               },
               "range": {
                "type": "object",
                "nullable": true,
                "x-kubernetes-preserve-unknown-fields": true,
                "required": [
                 "min",
                 "max"
                ],
                "properties": {
                 "min": {
                  "x-kubernetes-int-or-string": true,
                  "minimum": -9007199254740991,
                  "maximum": 9007199254740991,
                  "maxLength": 26,
                  "pattern": "^-?[0-9]{1,15}(\\.[0-9]{1,9})?$"
                 },
                 "max": {
                  "x-kubernetes-int-or-string": true,
                  "minimum": -9007199254740991,
                  "maximum": 9007199254740991,
                  "maxLength": 26,
                  "pattern": "^-?[0-9]{1,15}(\\.[0-9]{1,9})?$"
                 }
                },
                "x-kubernetes-validations": [
                 {
                  "rule": "double(self.min) <= double(self.max)",
                  "fieldPath": ".min",
                  "message": "range.min is greater than range.max, so no value can pass; swap or correct them"
                 }
                ]
               },
               "enum": {
                "type": "array",
                "nullable": true,
                "x-kubernetes-list-type": "set",
                "minItems": 1,
                "maxItems": 128,
                "items": {
                 "x-kubernetes-int-or-string": true,
                 "maxLength": 256,
                 "minimum": -9007199254740991,
                 "maximum": 9007199254740991
                }
               },
               "pattern": {
                "type": "string",
                "nullable": true,
                "minLength": 1,
                "maxLength": 512
               },
               "maxLength": {
                "type": "integer",
                "nullable": true,
                "format": "int32",
                "minimum": 0,
                "maximum": 1048576
               },
               "required": {
                "type": "boolean",
                "nullable": true
               },
               "forbidden": {
                "type": "boolean",
                "nullable": true
               },
               "pathWithin": {
                "type": "array",
                "nullable": true,
                "x-kubernetes-list-type": "set",
                "minItems": 1,
                "maxItems": 32,
                "items": {
                 "type": "string",
                 "minLength": 1,
                 "maxLength": 512,
                 "pattern": "^/"
                }
               },
               "hosts": {
                "type": "array",
                "nullable": true,
                "x-kubernetes-list-type": "set",
                "minItems": 1,
                "maxItems": 64,
                "items": {
                 "type": "string",
                 "minLength": 1,
                 "maxLength": 253,
                 "pattern": "^(\\*\\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$"
                }
               },
               "cidrs": {
                "type": "array",
                "nullable": true,
                "x-kubernetes-list-type": "set",
                "minItems": 1,
                "maxItems": 64,
                "items": {
                 "type": "string",
                 "minLength": 1,
                 "maxLength": 49
                }
               },
               "onFail": {
                "type": "string",
                "nullable": true,
                "enum": [
                 "deny",
                 "approval_needed",
                 "sanitize"
                ]
               }
              },
              "x-kubernetes-validations": [
               {
                "rule": "has(self.max) || has(self.min) || has(self.range) || has(self.enum) || has(self.pattern) || has(self.maxLength) || has(self.required) || has(self.forbidden) || has(self.pathWithin) || has(self.hosts) || has(self.cidrs)",
                "reason": "FieldValueRequired",
                "message": "the parameter has no condition; add one such as max, enum, pattern or required: true"
               },
               {
                "rule": "!(has(self.min) && has(self.max)) || double(self.min) <= double(self.max)",
                "fieldPath": ".min",
                "message": "min is greater than max, so no value can pass; swap or correct them"
               },
               {
                "rule": "!(has(self.required) && self.required && has(self.forbidden) && self.forbidden)",
                "fieldPath": ".forbidden",
                "reason": "FieldValueForbidden",
                "message": "a parameter cannot be both required and forbidden; keep one of them"
               },
               {
                "rule": "!(has(self.forbidden) && self.forbidden) || !(has(self.max) || has(self.min) || has(self.range) || has(self.enum) || has(self.pattern) || has(self.maxLength) || has(self.pathWithin) || has(self.hosts) || has(self.cidrs))",
                "fieldPath": ".forbidden",
                "reason": "FieldValueForbidden",
                "message": "a forbidden parameter has no value to test; remove forbidden or the other conditions on it"
               }
              ]
             },
             "x-kubernetes-validations": [
              {
               "rule": "self.all(name, size(name) >= 1 && size(name) <= 128)",
               "message": "a parameter name must have 1 to 128 characters; use the name that the AgentTool declares"
              }
             ]
            },
            "onFail": {
             "type": "object",
             "nullable": true,
             "x-kubernetes-preserve-unknown-fields": true,
             "minProperties": 1,
             "properties": {
              "maxAmount": {
               "type": "string",
               "nullable": true,
               "enum": [
                "deny",
                "approval_needed",
                "sanitize"
               ]
              },
              "currency": {
               "type": "string",
               "nullable": true,
               "enum": [
                "deny",
                "approval_needed",
                "sanitize"
               ]
              },
              "purpose": {
               "type": "string",
               "nullable": true,
               "enum": [
                "deny",
                "approval_needed",
                "sanitize"
               ]
              },
              "dest": {
               "type": "string",
               "nullable": true,
               "enum": [
                "deny",
                "approval_needed",
                "sanitize"
               ]
              },
              "region": {
               "type": "string",
               "nullable": true,
               "enum": [
                "deny",
                "approval_needed",
                "sanitize"
               ]
              },
              "allowedChannels": {
               "type": "string",
               "nullable": true,
               "enum": [
                "deny",
                "approval_needed",
                "sanitize"
               ]
              },
              "timeWindows": {
               "type": "string",
               "nullable": true,
               "enum": [
                "deny",
                "approval_needed",
                "sanitize"
               ]
              },
              "chain": {
               "type": "string",
               "nullable": true,
               "enum": [
                "deny",
                "approval_needed",
                "sanitize"
               ]
              }
             }
            }
           },
           "x-kubernetes-validations": [
            {
             "rule": "!has(self.onFail) || ( (!has(self.onFail.maxAmount) || has(self.maxAmount)) && (!has(self.onFail.currency) || has(self.currency)) && (!has(self.onFail.purpose) || has(self.purpose)) && (!has(self.onFail.dest) || has(self.dest)) && (!has(self.onFail.region) || has(self.region)) && (!has(self.onFail.allowedChannels) || has(self.allowedChannels)) && (!has(self.onFail.timeWindows) || has(self.timeWindows)) && (!has(self.onFail.chain) || has(self.chain)))",
             "fieldPath": ".onFail",
             "message": "onFail names a condition that is not there; add the condition or remove its onFail entry"
            }
           ]
          },
          "conditions": {
           "nullable": true,
           "type": "object",
           "x-kubernetes-preserve-unknown-fields": true,
           "minProperties": 1,
           "properties": {
            "maxAmount": {
             "x-kubernetes-int-or-string": true,
             "nullable": true,
             "minimum": -9007199254740991,
             "maximum": 9007199254740991,
             "maxLength": 26,
             "pattern": "^-?[0-9]{1,15}(\\.[0-9]{1,9})?$"
            },
            "currency": {
             "type": "string",
             "nullable": true,
             "minLength": 3,
             "maxLength": 3,
             "pattern": "^[A-Z]{3}$"
            },
            "purpose": {
             "type": "string",
             "nullable": true,
             "minLength": 1,
             "maxLength": 128
            },
            "dest": {
             "type": "string",
             "nullable": true,
             "minLength": 1,
             "maxLength": 253,
             "pattern": "^(\\*\\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$"
            },
            "region": {
             "type": "string",
             "nullable": true,
             "minLength": 1,
             "maxLength": 63,
             "pattern": "^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$"
            },
            "allowedChannels": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "set",
             "minItems": 1,
             "maxItems": 64,
             "items": {
              "type": "string",
              "minLength": 1,
              "maxLength": 128
             }
            },
            "timeWindows": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "atomic",
             "minItems": 1,
             "maxItems": 16,
             "items": {
              "type": "object",
              "x-kubernetes-preserve-unknown-fields": true,
              "required": [
               "from",
               "to"
              ],
              "properties": {
               "days": {
                "type": "array",
                "nullable": true,
                "x-kubernetes-list-type": "set",
                "minItems": 1,
                "maxItems": 7,
                "items": {
                 "type": "string",
                 "enum": [
                  "Mon",
                  "Tue",
                  "Wed",
                  "Thu",
                  "Fri",
                  "Sat",
                  "Sun"
                 ]
                }
               },
               "from": {
                "type": "string",
                "minLength": 5,
                "maxLength": 5,
                "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"
               },
               "to": {
                "type": "string",
                "minLength": 5,
                "maxLength": 5,
                "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
               },
               "timeZone": {
                "type": "string",
                "minLength": 1,
                "maxLength": 64,
                "default": "UTC",
                "pattern": "^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$"
               }
              },
              "x-kubernetes-validations": [
               {
                "rule": "self.from != self.to",
                "fieldPath": ".to",
                "message": "from and to are equal, so the window is empty; write from \"00:00\" to \"24:00\" for a whole day"
               }
              ]
             }
            },
            "chain": {
             "type": "object",
             "nullable": true,
             "x-kubernetes-preserve-unknown-fields": true,
             "minProperties": 1,
             "properties": {
              "allowedCallers": {
               "type": "array",
               "nullable": true,
               "x-kubernetes-list-type": "set",
               "minItems": 1,
               "maxItems": 64,
               "items": {
                "type": "string",
                "minLength": 1,
                "maxLength": 63,
                "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
               }
              },
              "maxDepth": {
               "type": "integer",
               "nullable": true,
               "format": "int32",
               "minimum": 0,
               "maximum": 16
              },
              "requireOrigin": {
               "type": "array",
               "nullable": true,
               "x-kubernetes-list-type": "set",
               "minItems": 1,
               "maxItems": 64,
               "items": {
                "type": "string",
                "minLength": 1,
                "maxLength": 63,
                "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
               }
              }
             }
            },
            "params": {
             "type": "object",
             "nullable": true,
             "minProperties": 1,
             "maxProperties": 32,
             "additionalProperties": {
              "type": "object",
              "nullable": true,
              "x-kubernetes-preserve-unknown-fields": true,
              "minProperties": 1,
              "properties": {
               "max": {
                "x-kubernetes-int-or-string": true,
                "nullable": true,
                "minimum": -9007199254740991,
                "maximum": 9007199254740991,
                "maxLength": 26,
                "pattern": "^-?[0-9]{1,15}(\\.[0-9]{1,9})?$"
               },
               "min": {
                "x-kubernetes-int-or-string": true,
                "nullable": true,
                "minimum": -9007199254740991,
                "maximum": 9007199254740991,
                "maxLength": 26,
                "pattern": "^-?[0-9]{1,15}(\\.[0-9]{1,9})?$"
               },
               "range": {
                "type": "object",
                "nullable": true,
                "x-kubernetes-preserve-unknown-fields": true,
                "required": [
                 "min",
                 "max"
                ],
                "properties": {
                 "min": {
                  "x-kubernetes-int-or-string": true,
                  "minimum": -9007199254740991,
                  "maximum": 9007199254740991,
                  "maxLength": 26,
                  "pattern": "^-?[0-9]{1,15}(\\.[0-9]{1,9})?$"
                 },
                 "max": {
                  "x-kubernetes-int-or-string": true,
                  "minimum": -9007199254740991,
                  "maximum": 9007199254740991,
                  "maxLength": 26,
                  "pattern": "^-?[0-9]{1,15}(\\.[0-9]{1,9})?$"
                 }
                },
                "x-kubernetes-validations": [
                 {
                  "rule": "double(self.min) <= double(self.max)",
                  "fieldPath": ".min",
                  "message": "range.min is greater than range.max, so no value can pass; swap or correct them"
                 }
                ]
               },
               "enum": {
                "type": "array",
                "nullable": true,
                "x-kubernetes-list-type": "set",
                "minItems": 1,
                "maxItems": 128,
                "items": {
                 "x-kubernetes-int-or-string": true,
                 "maxLength": 256,
                 "minimum": -9007199254740991,
                 "maximum": 9007199254740991
                }
               },
               "pattern": {
                "type": "string",
                "nullable": true,
                "minLength": 1,
                "maxLength": 512
               },
               "maxLength": {
                "type": "integer",
                "nullable": true,
                "format": "int32",
                "minimum": 0,
                "maximum": 1048576
               },
               "required": {
                "type": "boolean",
                "nullable": true
               },
               "forbidden": {
                "type": "boolean",
                "nullable": true
               },
               "pathWithin": {
                "type": "array",
                "nullable": true,
                "x-kubernetes-list-type": "set",
                "minItems": 1,
                "maxItems": 32,
                "items": {
                 "type": "string",
                 "minLength": 1,
                 "maxLength": 512,
                 "pattern": "^/"
                }
               },
               "hosts": {
                "type": "array",
                "nullable": true,
                "x-kubernetes-list-type": "set",
                "minItems": 1,
                "maxItems": 64,
                "items": {
                 "type": "string",
                 "minLength": 1,
                 "maxLength": 253,
                 "pattern": "^(\\*\\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$"
                }
               },
               "cidrs": {
                "type": "array",
                "nullable": true,
                "x-kubernetes-list-type": "set",
                "minItems": 1,
                "maxItems": 64,
                "items": {
                 "type": "string",
                 "minLength": 1,
                 "maxLength": 49
                }
               },
               "onFail": {
                "type": "string",
                "nullable": true,
                "enum": [
                 "deny",
                 "approval_needed",
                 "sanitize"
                ]
               }
              },
              "x-kubernetes-validations": [
               {
                "rule": "has(self.max) || has(self.min) || has(self.range) || has(self.enum) || has(self.pattern) || has(self.maxLength) || has(self.required) || has(self.forbidden) || has(self.pathWithin) || has(self.hosts) || has(self.cidrs)",
                "reason": "FieldValueRequired",
                "message": "the parameter has no condition; add one such as max, enum, pattern or required: true"
               },
               {
                "rule": "!(has(self.min) && has(self.max)) || double(self.min) <= double(self.max)",
                "fieldPath": ".min",
                "message": "min is greater than max, so no value can pass; swap or correct them"
               },
               {
                "rule": "!(has(self.required) && self.required && has(self.forbidden) && self.forbidden)",
                "fieldPath": ".forbidden",
                "reason": "FieldValueForbidden",
                "message": "a parameter cannot be both required and forbidden; keep one of them"
               },
               {
                "rule": "!(has(self.forbidden) && self.forbidden) || !(has(self.max) || has(self.min) || has(self.range) || has(self.enum) || has(self.pattern) || has(self.maxLength) || has(self.pathWithin) || has(self.hosts) || has(self.cidrs))",
                "fieldPath": ".forbidden",
                "reason": "FieldValueForbidden",
                "message": "a forbidden parameter has no value to test; remove forbidden or the other conditions on it"
               }
              ]
             },
             "x-kubernetes-validations": [
              {
               "rule": "self.all(name, size(name) >= 1 && size(name) <= 128)",
               "message": "a parameter name must have 1 to 128 characters; use the name that the AgentTool declares"
              }
             ]
            },
            "onFail": {
             "type": "object",
             "nullable": true,
             "x-kubernetes-preserve-unknown-fields": true,
             "minProperties": 1,
             "properties": {
              "maxAmount": {
               "type": "string",
               "nullable": true,
               "enum": [
                "deny",
                "approval_needed",
                "sanitize"
               ]
              },
              "currency": {
               "type": "string",
               "nullable": true,
               "enum": [
                "deny",
                "approval_needed",
                "sanitize"
               ]
              },
              "purpose": {
               "type": "string",
               "nullable": true,
               "enum": [
                "deny",
                "approval_needed",
                "sanitize"
               ]
              },
              "dest": {
               "type": "string",
               "nullable": true,
               "enum": [
                "deny",
                "approval_needed",
                "sanitize"
               ]
              },
              "region": {
               "type": "string",
               "nullable": true,
               "enum": [
                "deny",
                "approval_needed",
                "sanitize"
               ]
              },
              "allowedChannels": {
               "type": "string",
               "nullable": true,
               "enum": [
                "deny",
                "approval_needed",
                "sanitize"
               ]
              },
              "timeWindows": {
               "type": "string",
               "nullable": true,
               "enum": [
                "deny",
                "approval_needed",
                "sanitize"
               ]
              },
              "chain": {
               "type": "string",
               "nullable": true,
               "enum": [
                "deny",
                "approval_needed",
                "sanitize"
               ]
              }
             }
            }
           },
           "x-kubernetes-validations": [
            {
             "rule": "!has(self.onFail) || ( (!has(self.onFail.maxAmount) || has(self.maxAmount)) && (!has(self.onFail.currency) || has(self.currency)) && (!has(self.onFail.purpose) || has(self.purpose)) && (!has(self.onFail.dest) || has(self.dest)) && (!has(self.onFail.region) || has(self.region)) && (!has(self.onFail.allowedChannels) || has(self.allowedChannels)) && (!has(self.onFail.timeWindows) || has(self.timeWindows)) && (!has(self.onFail.chain) || has(self.chain)))",
             "fieldPath": ".onFail",
             "message": "onFail names a condition that is not there; add the condition or remove its onFail entry"
            }
           ]
          },
          "outcome": {
           "type": "string",
           "nullable": true,
           "enum": [
            "allow",
            "approval_needed",
            "sanitize",
            "deny"
           ]
          },
          "failureAction": {
           "type": "string",
           "nullable": true,
           "enum": [
            "deny",
            "approval_needed",
            "sanitize"
           ]
          },
          "riskTier": {
           "type": "string",
           "nullable": true,
           "enum": [
            "low",
            "medium",
            "high",
            "critical"
           ]
          },
          "overridable": {
           "type": "boolean",
           "nullable": true
          },
          "overrides": {
           "type": "array",
           "nullable": true,
           "x-kubernetes-list-type": "set",
           "minItems": 1,
           "maxItems": 16,
           "items": {
            "type": "string",
            "minLength": 5,
            "maxLength": 381,
            "pattern": "^[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9.-]*/[a-z0-9][a-z0-9-]*$"
           }
          },
          "limits": {
           "type": "array",
           "nullable": true,
           "x-kubernetes-list-type": "map",
           "x-kubernetes-list-map-keys": [
            "name"
           ],
           "minItems": 1,
           "maxItems": 16,
           "items": {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": true,
            "required": [
             "name"
            ],
            "properties": {
             "name": {
              "type": "string",
              "minLength": 1,
              "maxLength": 63,
              "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
             },
             "per": {
              "type": "string",
              "enum": [
               "Agent",
               "Tool",
               "Action",
               "Tenant"
              ],
              "default": "Agent"
             },
             "rate": {
              "type": "object",
              "nullable": true,
              "x-kubernetes-preserve-unknown-fields": true,
              "required": [
               "max",
               "window"
              ],
              "properties": {
               "max": {
                "type": "integer",
                "format": "int32",
                "minimum": 0,
                "maximum": 1000000000
               },
               "window": {
                "type": "string",
                "minLength": 2,
                "maxLength": 8,
                "pattern": "^([1-9][0-9]{0,5}(ms|s|m|h|d)|hour|day|week|month)$"
               }
              }
             },
             "budget": {
              "type": "object",
              "nullable": true,
              "x-kubernetes-preserve-unknown-fields": true,
              "required": [
               "max",
               "window"
              ],
              "properties": {
               "parameter": {
                "type": "string",
                "nullable": true,
                "minLength": 1,
                "maxLength": 128
               },
               "cost": {
                "type": "string",
                "nullable": true,
                "enum": [
                 "Estimated"
                ]
               },
               "max": {
                "x-kubernetes-int-or-string": true,
                "minimum": 0,
                "maximum": 9007199254740991,
                "maxLength": 25,
                "pattern": "^[0-9]{1,15}(\\.[0-9]{1,9})?$"
               },
               "window": {
                "type": "string",
                "minLength": 2,
                "maxLength": 8,
                "pattern": "^([1-9][0-9]{0,5}(ms|s|m|h|d)|hour|day|week|month)$"
               }
              },
              "x-kubernetes-validations": [
               {
                "rule": "has(self.parameter) != has(self.cost)",
                "message": "a budget adds up exactly one thing; give either parameter or cost: Estimated"
               }
              ]
             }
            },
            "x-kubernetes-validations": [
             {
              "rule": "has(self.rate) != has(self.budget)",
              "message": "a limit is either a rate or a budget; give exactly one of them"
             }
            ]
           }
          },
          "sanitize": {
           "type": "object",
           "nullable": true,
           "x-kubernetes-preserve-unknown-fields": true,
           "minProperties": 1,
           "properties": {
            "request": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "map",
             "x-kubernetes-list-map-keys": [
              "param"
             ],
             "minItems": 1,
             "maxItems": 32,
             "items": {
              "type": "object",
              "x-kubernetes-preserve-unknown-fields": true,
              "required": [
               "param",
               "op"
              ],
              "properties": {
               "param": {
                "type": "string",
                "minLength": 1,
                "maxLength": 128
               },
               "op": {
                "type": "string",
                "enum": [
                 "redact",
                 "mask",
                 "hash",
                 "clamp",
                 "set",
                 "drop"
                ]
               },
               "value": {
                "x-kubernetes-int-or-string": true,
                "nullable": true,
                "minimum": -9007199254740991,
                "maximum": 9007199254740991,
                "maxLength": 256
               }
              },
              "x-kubernetes-validations": [
               {
                "rule": "(self.op in ['set', 'clamp']) == has(self.value)",
                "fieldPath": ".value",
                "message": "value goes with set and clamp, which need it, and with no other op; add or remove value"
               },
               {
                "rule": "self.op != 'clamp' || !has(self.value) || type(self.value) == int || string(self.value).matches('^-?[0-9]{1,15}([.][0-9]{1,9})?$')",
                "fieldPath": ".value",
                "message": "clamp needs a number; write an integer, or a decimal number such as \"99.50\""
               }
              ]
             }
            },
            "response": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "atomic",
             "minItems": 1,
             "maxItems": 32,
             "items": {
              "type": "object",
              "x-kubernetes-preserve-unknown-fields": true,
              "required": [
               "op"
              ],
              "properties": {
               "pointer": {
                "type": "string",
                "nullable": true,
                "minLength": 1,
                "maxLength": 512,
                "pattern": "^/"
               },
               "detector": {
                "type": "string",
                "nullable": true,
                "minLength": 1,
                "maxLength": 63,
                "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
               },
               "op": {
                "type": "string",
                "enum": [
                 "redact",
                 "mask",
                 "hash",
                 "drop"
                ]
               }
              },
              "x-kubernetes-validations": [
               {
                "rule": "has(self.pointer) != has(self.detector)",
                "message": "a response change finds its text by pointer or by detector; give exactly one of them"
               }
              ]
             }
            }
           }
          }
         },
         "x-kubernetes-validations": [
          {
           "rule": "!('*' in self.actions) || size(self.actions) == 1",
           "fieldPath": ".actions",
           "message": "'*' already means every action; remove the other entries or the '*'"
          },
          {
           "rule": "!(has(self.overridable) && self.overridable) || self.type == 'Restrict'",
           "fieldPath": ".overridable",
           "reason": "FieldValueForbidden",
           "message": "only a Restrict can be overridable; remove overridable or write type: Restrict"
          },
          {
           "rule": "!has(self.overrides) || self.type == 'Permit'",
           "fieldPath": ".overrides",
           "reason": "FieldValueForbidden",
           "message": "only a Permit can override other rules; remove overrides or write type: Permit"
          },
          {
           "rule": "!(has(self.outcome) && self.outcome == 'deny') || self.type == 'Restrict'",
           "fieldPath": ".outcome",
           "message": "a Permit cannot say outcome deny; write type: Restrict, or another outcome"
          },
          {
           "rule": "!(has(self.outcome) && self.outcome == 'deny') || !has(self.conditions)",
           "fieldPath": ".conditions",
           "reason": "FieldValueForbidden",
           "message": "outcome deny takes no conditions; write in when which calls are denied, or use conditions with failureAction deny"
          },
          {
           "rule": "!has(self.when) || !has(self.when.onFail)",
           "fieldPath": ".when.onFail",
           "reason": "FieldValueForbidden",
           "message": "when only says whether the rule applies, nothing fails there; move onFail to conditions"
          },
          {
           "rule": "!has(self.when) || !has(self.when.params) || self.when.params.all(name, !has(self.when.params[name].onFail))",
           "fieldPath": ".when.params",
           "reason": "FieldValueForbidden",
           "message": "when only says whether the rule applies, nothing fails there; move the parameter's onFail to conditions"
          },
          {
           "rule": "has(self.sanitize) || !( (has(self.outcome) && self.outcome == 'sanitize') || (has(self.failureAction) && self.failureAction == 'sanitize'))",
           "fieldPath": ".sanitize",
           "reason": "FieldValueRequired",
           "message": "the rule can answer sanitize but does not say what to change; add sanitize with request or response"
          },
          {
           "rule": "has(self.sanitize) || !has(self.conditions) || !( (has(self.conditions.params) && self.conditions.params.exists(name, has(self.conditions.params[name].onFail) && self.conditions.params[name].onFail == 'sanitize')) || (has(self.conditions.onFail) && ( (has(self.conditions.onFail.maxAmount) && self.conditions.onFail.maxAmount == 'sanitize') || (has(self.conditions.onFail.currency) && self.conditions.onFail.currency == 'sanitize') || (has(self.conditions.onFail.purpose) && self.conditions.onFail.purpose == 'sanitize') || (has(self.conditions.onFail.dest) && self.conditions.onFail.dest == 'sanitize') || (has(self.conditions.onFail.region) && self.conditions.onFail.region == 'sanitize') || (has(self.conditions.onFail.allowedChannels) && self.conditions.onFail.allowedChannels == 'sanitize') || (has(self.conditions.onFail.timeWindows) && self.conditions.onFail.timeWindows == 'sanitize') || (has(self.conditions.onFail.chain) && self.conditions.onFail.chain == 'sanitize'))))",
           "fieldPath": ".sanitize",
           "reason": "FieldValueRequired",
           "message": "an onFail answers sanitize but the rule does not say what to change; add sanitize with request or response"
          }
         ]
        }
       },
       "change": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
         "author": {
          "type": "string",
          "nullable": true,
          "minLength": 1,
          "maxLength": 256
         },
         "reason": {
          "type": "string",
          "nullable": true,
          "minLength": 1,
          "maxLength": 1024
         },
         "ticket": {
          "type": "string",
          "nullable": true,
          "minLength": 1,
          "maxLength": 256
         },
         "tags": {
          "type": "array",
          "nullable": true,
          "x-kubernetes-list-type": "set",
          "minItems": 1,
          "maxItems": 32,
          "items": {
           "type": "string",
           "minLength": 1,
           "maxLength": 63
          }
         }
        }
       },
       "suspend": {
        "type": "boolean",
        "nullable": true
       },
       "tests": {
        "type": "array",
        "nullable": true,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [
         "name"
        ],
        "minItems": 1,
        "maxItems": 64,
        "items": {
         "type": "object",
         "x-kubernetes-preserve-unknown-fields": true,
         "required": [
          "name",
          "expect"
         ],
         "properties": {
          "name": {
           "type": "string",
           "minLength": 1,
           "maxLength": 128
          },
          "input": {
           "type": "object",
           "nullable": true,
           "x-kubernetes-preserve-unknown-fields": true,
           "required": [
            "agent",
            "tool",
            "action"
           ],
           "properties": {
            "tenant": {
             "type": "string",
             "nullable": true,
             "minLength": 1,
             "maxLength": 63,
             "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
            },
            "agent": {
             "type": "string",
             "minLength": 1,
             "maxLength": 63,
             "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
            },
            "tool": {
             "type": "string",
             "minLength": 1,
             "maxLength": 63,
             "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
            },
            "action": {
             "type": "string",
             "minLength": 1,
             "maxLength": 128,
             "pattern": "^[A-Za-z0-9_][A-Za-z0-9_./:-]*$"
            },
            "params": {
             "type": "object",
             "nullable": true,
             "maxProperties": 64,
             "x-kubernetes-preserve-unknown-fields": true
            },
            "context": {
             "type": "object",
             "nullable": true,
             "maxProperties": 16,
             "x-kubernetes-preserve-unknown-fields": true
            },
            "chain": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "atomic",
             "minItems": 1,
             "maxItems": 17,
             "items": {
              "type": "string",
              "minLength": 1,
              "maxLength": 63,
              "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
             }
            }
           }
          },
          "http": {
           "type": "object",
           "nullable": true,
           "x-kubernetes-preserve-unknown-fields": true,
           "required": [
            "agent",
            "tool",
            "method",
            "path"
           ],
           "properties": {
            "tenant": {
             "type": "string",
             "nullable": true,
             "minLength": 1,
             "maxLength": 63,
             "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
            },
            "agent": {
             "type": "string",
             "minLength": 1,
             "maxLength": 63,
             "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
            },
            "tool": {
             "type": "string",
             "minLength": 1,
             "maxLength": 63,
             "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
            },
            "method": {
             "type": "string",
             "minLength": 1,
             "maxLength": 16,
             "pattern": "^[A-Z]+$"
            },
            "path": {
             "type": "string",
             "minLength": 1,
             "maxLength": 2048,
             "pattern": "^/"
            },
            "headers": {
             "type": "object",
             "nullable": true,
             "maxProperties": 32,
             "additionalProperties": {
              "type": "string",
              "nullable": true,
              "maxLength": 2048
             }
            },
            "body": {
             "nullable": true,
             "x-kubernetes-preserve-unknown-fields": true
            },
            "context": {
             "type": "object",
             "nullable": true,
             "maxProperties": 16,
             "x-kubernetes-preserve-unknown-fields": true
            },
            "chain": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "atomic",
             "minItems": 1,
             "maxItems": 17,
             "items": {
              "type": "string",
              "minLength": 1,
              "maxLength": 63,
              "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
             }
            }
           }
          },
          "mcp": {
           "type": "object",
           "nullable": true,
           "x-kubernetes-preserve-unknown-fields": true,
           "required": [
            "agent",
            "tool",
            "params"
           ],
           "properties": {
            "tenant": {
             "type": "string",
             "nullable": true,
             "minLength": 1,
             "maxLength": 63,
             "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
            },
            "agent": {
             "type": "string",
             "minLength": 1,
             "maxLength": 63,
             "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
            },
            "tool": {
             "type": "string",
             "minLength": 1,
             "maxLength": 63,
             "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
            },
            "method": {
             "type": "string",
             "minLength": 1,
             "maxLength": 64,
             "default": "tools/call",
             "pattern": "^[A-Za-z]+(/[A-Za-z_]+)*$"
            },
            "params": {
             "type": "object",
             "maxProperties": 64,
             "x-kubernetes-preserve-unknown-fields": true
            },
            "context": {
             "type": "object",
             "nullable": true,
             "maxProperties": 16,
             "x-kubernetes-preserve-unknown-fields": true
            },
            "chain": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "atomic",
             "minItems": 1,
             "maxItems": 17,
             "items": {
              "type": "string",
              "minLength": 1,
              "maxLength": 63,
              "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
             }
            }
           }
          },
          "expect": {
           "type": "string",
           "enum": [
            "allow",
            "sanitize",
            "rate_limited",
            "approval_needed",
            "deny"
           ]
          },
          "reason": {
           "type": "string",
           "nullable": true,
           "minLength": 1,
           "maxLength": 64,
           "pattern": "^[A-Z][A-Z0-9_]*$"
          }
         },
         "x-kubernetes-validations": [
          {
           "rule": "[has(self.input), has(self.http), has(self.mcp)].exists_one(given, given)",
           "message": "a test makes one call; give exactly one of input, http and mcp"
          }
         ]
        }
       },
       "rollout": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
         "profile": {
          "type": "string",
          "nullable": true,
          "enum": [
           "standard",
           "small",
           "immediate"
          ]
         },
         "targetStage": {
          "type": "string",
          "enum": [
           "Shadow",
           "Partial",
           "Enforce"
          ],
          "default": "Enforce"
         },
         "gates": {
          "type": "array",
          "nullable": true,
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": [
           "to"
          ],
          "minItems": 1,
          "maxItems": 2,
          "items": {
           "type": "object",
           "x-kubernetes-preserve-unknown-fields": true,
           "required": [
            "to"
           ],
           "properties": {
            "to": {
             "type": "string",
             "enum": [
              "Partial",
              "Enforce"
             ]
            },
            "minDuration": {
             "type": "string",
             "nullable": true,
             "minLength": 2,
             "maxLength": 8,
             "pattern": "^(0|[1-9][0-9]{0,5})(ms|s|m|h|d)$"
            },
            "minDecisions": {
             "type": "integer",
             "nullable": true,
             "format": "int64",
             "minimum": 0,
             "maximum": 1000000000000
            },
            "minAgents": {
             "type": "integer",
             "nullable": true,
             "format": "int32",
             "minimum": 0,
             "maximum": 1000000
            },
            "checks": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "map",
             "x-kubernetes-list-map-keys": [
              "name"
             ],
             "minItems": 1,
             "maxItems": 16,
             "items": {
              "type": "object",
              "x-kubernetes-preserve-unknown-fields": true,
              "required": [
               "name",
               "metric",
               "threshold"
              ],
              "properties": {
               "name": {
                "type": "string",
                "minLength": 1,
                "maxLength": 63,
                "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
               },
               "metric": {
                "type": "string",
                "enum": [
                 "WouldDeny",
                 "FalsePositive",
                 "EvaluationError"
                ]
               },
               "threshold": {
                "x-kubernetes-int-or-string": true,
                "minimum": 0,
                "maximum": 100,
                "maxLength": 6,
                "pattern": "^(100|[0-9]{1,2}(\\.[0-9]{1,2})?)%$"
               },
               "window": {
                "type": "string",
                "minLength": 2,
                "maxLength": 8,
                "default": "1h",
                "pattern": "^[1-9][0-9]{0,5}(ms|s|m|h|d)$"
               },
               "interval": {
                "type": "string",
                "minLength": 2,
                "maxLength": 8,
                "default": "5m",
                "pattern": "^[1-9][0-9]{0,5}(ms|s|m|h|d)$"
               },
               "consecutivePasses": {
                "type": "integer",
                "format": "int32",
                "minimum": 1,
                "maximum": 1000,
                "default": 1
               },
               "failureLimit": {
                "type": "integer",
                "format": "int32",
                "minimum": 0,
                "maximum": 1000,
                "default": 0
               },
               "onNoData": {
                "type": "string",
                "enum": [
                 "Hold"
                ],
                "default": "Hold"
               }
              }
             }
            },
            "approval": {
             "type": "object",
             "nullable": true,
             "x-kubernetes-preserve-unknown-fields": true,
             "properties": {
              "required": {
               "type": "boolean",
               "default": true
              },
              "approvers": {
               "type": "integer",
               "format": "int32",
               "minimum": 1,
               "maximum": 16,
               "default": 1
              }
             }
            }
           }
          }
         },
         "partial": {
          "type": "object",
          "nullable": true,
          "x-kubernetes-preserve-unknown-fields": true,
          "minProperties": 1,
          "properties": {
           "agents": {
            "type": "array",
            "nullable": true,
            "x-kubernetes-list-type": "set",
            "minItems": 1,
            "maxItems": 256,
            "items": {
             "type": "string",
             "minLength": 1,
             "maxLength": 63,
             "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
            }
           },
           "percent": {
            "x-kubernetes-int-or-string": true,
            "nullable": true,
            "minimum": 1,
            "maximum": 100,
            "maxLength": 4,
            "pattern": "^(100|[1-9][0-9]?)%$"
           },
           "tenants": {
            "type": "array",
            "nullable": true,
            "x-kubernetes-list-type": "set",
            "minItems": 1,
            "maxItems": 256,
            "items": {
             "type": "string",
             "minLength": 1,
             "maxLength": 63,
             "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
            }
           }
          },
          "x-kubernetes-validations": [
           {
            "rule": "!(has(self.agents) && has(self.percent))",
            "fieldPath": ".percent",
            "message": "agents already names the cohort; give either agents or percent"
           }
          ]
         },
         "demotion": {
          "type": "object",
          "nullable": true,
          "x-kubernetes-preserve-unknown-fields": true,
          "properties": {
           "checks": {
            "type": "array",
            "nullable": true,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": [
             "name"
            ],
            "minItems": 1,
            "maxItems": 16,
            "items": {
             "type": "object",
             "x-kubernetes-preserve-unknown-fields": true,
             "required": [
              "name",
              "metric",
              "threshold"
             ],
             "properties": {
              "name": {
               "type": "string",
               "minLength": 1,
               "maxLength": 63,
               "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
              },
              "metric": {
               "type": "string",
               "enum": [
                "WouldDeny",
                "FalsePositive",
                "EvaluationError"
               ]
              },
              "threshold": {
               "x-kubernetes-int-or-string": true,
               "minimum": 0,
               "maximum": 100,
               "maxLength": 6,
               "pattern": "^(100|[0-9]{1,2}(\\.[0-9]{1,2})?)%$"
              },
              "window": {
               "type": "string",
               "minLength": 2,
               "maxLength": 8,
               "default": "1h",
               "pattern": "^[1-9][0-9]{0,5}(ms|s|m|h|d)$"
              },
              "interval": {
               "type": "string",
               "minLength": 2,
               "maxLength": 8,
               "default": "5m",
               "pattern": "^[1-9][0-9]{0,5}(ms|s|m|h|d)$"
              },
              "consecutivePasses": {
               "type": "integer",
               "format": "int32",
               "minimum": 1,
               "maximum": 1000,
               "default": 1
              },
              "failureLimit": {
               "type": "integer",
               "format": "int32",
               "minimum": 0,
               "maximum": 1000,
               "default": 0
              },
              "onNoData": {
               "type": "string",
               "enum": [
                "Hold"
               ],
               "default": "Hold"
              }
             }
            }
           },
           "cooldown": {
            "type": "string",
            "minLength": 2,
            "maxLength": 8,
            "default": "1h",
            "pattern": "^(0|[1-9][0-9]{0,5})(ms|s|m|h|d)$"
           }
          }
         },
         "rollbackWindow": {
          "type": "object",
          "nullable": true,
          "x-kubernetes-preserve-unknown-fields": true,
          "required": [
           "revisions"
          ],
          "properties": {
           "revisions": {
            "type": "integer",
            "format": "int32",
            "minimum": 0,
            "maximum": 10
           }
          }
         },
         "progressDeadline": {
          "type": "string",
          "nullable": true,
          "minLength": 2,
          "maxLength": 8,
          "pattern": "^[1-9][0-9]{0,5}(ms|s|m|h|d)$"
         }
        },
        "x-kubernetes-validations": [
         {
          "rule": "!(has(self.profile) && self.profile == 'immediate') || !has(self.gates)",
          "fieldPath": ".gates",
          "reason": "FieldValueForbidden",
          "message": "profile immediate has no gates; remove gates, or choose profile small or standard"
         }
        ]
       }
      }
     },
     "status": {
      "type": "object",
      "default": {
       "observedGeneration": -1
      },
      "properties": {
       "observedGeneration": {
        "type": "integer",
        "format": "int64"
       },
       "conditions": {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [
         "type"
        ],
        "maxItems": 16,
        "items": {
         "type": "object",
         "required": [
          "type",
          "status",
          "lastTransitionTime",
          "reason",
          "message"
         ],
         "properties": {
          "type": {
           "type": "string",
           "minLength": 1,
           "maxLength": 316,
           "pattern": "^([a-z0-9.-]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
          },
          "status": {
           "type": "string",
           "enum": [
            "True",
            "False",
            "Unknown"
           ]
          },
          "observedGeneration": {
           "type": "integer",
           "format": "int64",
           "minimum": 0
          },
          "lastTransitionTime": {
           "type": "string",
           "format": "date-time",
           "maxLength": 64
          },
          "reason": {
           "type": "string",
           "minLength": 1,
           "maxLength": 1024,
           "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
          },
          "message": {
           "type": "string",
           "maxLength": 32768
          }
         }
        }
       },
       "rollout": {
        "type": "object",
        "properties": {
         "stage": {
          "type": "string",
          "enum": [
           "Shadow",
           "Partial",
           "Enforce"
          ]
         },
         "phase": {
          "type": "string",
          "enum": [
           "GateRunning",
           "AwaitingApproval",
           "Paused",
           "Complete",
           "RolledBack"
          ]
         },
         "revision": {
          "type": "string",
          "maxLength": 71,
          "pattern": "^sha256:[0-9a-f]{64}$"
         },
         "stableRevision": {
          "type": "string",
          "maxLength": 71,
          "pattern": "^sha256:[0-9a-f]{64}$"
         },
         "stageEnteredAt": {
          "type": "string",
          "format": "date-time",
          "maxLength": 64
         },
         "partialPercent": {
          "type": "integer",
          "format": "int32",
          "minimum": 0,
          "maximum": 100
         },
         "gate": {
          "type": "object",
          "properties": {
           "to": {
            "type": "string",
            "enum": [
             "Partial",
             "Enforce"
            ]
           },
           "decisions": {
            "type": "integer",
            "format": "int64",
            "minimum": 0
           },
           "agents": {
            "type": "integer",
            "format": "int32",
            "minimum": 0
           },
           "approval": {
            "type": "string",
            "maxLength": 253
           },
           "checks": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": [
             "name"
            ],
            "maxItems": 16,
            "items": {
             "type": "object",
             "required": [
              "name"
             ],
             "properties": {
              "name": {
               "type": "string",
               "minLength": 1,
               "maxLength": 63
              },
              "outcome": {
               "type": "string",
               "enum": [
                "Pass",
                "Fail",
                "NoData"
               ]
              },
              "valueBasisPoints": {
               "type": "integer",
               "format": "int32",
               "minimum": 0,
               "maximum": 10000
              },
              "streak": {
               "type": "integer",
               "format": "int32",
               "minimum": 0
              },
              "observedAt": {
               "type": "string",
               "format": "date-time",
               "maxLength": 64
              }
             }
            }
           }
          }
         },
         "lastTransition": {
          "type": "object",
          "properties": {
           "from": {
            "type": "string",
            "enum": [
             "Shadow",
             "Partial",
             "Enforce"
            ]
           },
           "to": {
            "type": "string",
            "enum": [
             "Shadow",
             "Partial",
             "Enforce"
            ]
           },
           "at": {
            "type": "string",
            "format": "date-time",
            "maxLength": 64
           },
           "revision": {
            "type": "string",
            "maxLength": 71
           },
           "reason": {
            "type": "string",
            "maxLength": 64
           },
           "by": {
            "type": "string",
            "maxLength": 256
           },
           "message": {
            "type": "string",
            "maxLength": 1024
           }
          }
         },
         "history": {
          "type": "array",
          "x-kubernetes-list-type": "atomic",
          "maxItems": 10,
          "items": {
           "type": "object",
           "properties": {
            "from": {
             "type": "string",
             "enum": [
              "Shadow",
              "Partial",
              "Enforce"
             ]
            },
            "to": {
             "type": "string",
             "enum": [
              "Shadow",
              "Partial",
              "Enforce"
             ]
            },
            "at": {
             "type": "string",
             "format": "date-time",
             "maxLength": 64
            },
            "revision": {
             "type": "string",
             "maxLength": 71
            },
            "reason": {
             "type": "string",
             "maxLength": 64
            },
            "by": {
             "type": "string",
             "maxLength": 256
            },
            "message": {
             "type": "string",
             "maxLength": 1024
            }
           }
          }
         }
        }
       },
       "bundle": {
        "type": "object",
        "properties": {
         "digest": {
          "type": "string",
          "maxLength": 71
         },
         "sequence": {
          "type": "integer",
          "format": "int64",
          "minimum": 0
         },
         "keyId": {
          "type": "string",
          "maxLength": 128
         },
         "configMapName": {
          "type": "string",
          "maxLength": 253
         },
         "expiresAt": {
          "type": "string",
          "format": "date-time",
          "maxLength": 64
         }
        }
       },
       "agents": {
        "type": "object",
        "properties": {
         "matched": {
          "type": "integer",
          "format": "int32",
          "minimum": 0
         },
         "acknowledged": {
          "type": "integer",
          "format": "int32",
          "minimum": 0
         },
         "summary": {
          "type": "string",
          "maxLength": 32
         }
        }
       },
       "warnings": {
        "type": "array",
        "x-kubernetes-list-type": "atomic",
        "maxItems": 32,
        "items": {
         "type": "string",
         "maxLength": 1024
        }
       },
       "lastHandledRequestAt": {
        "type": "string",
        "maxLength": 64
       }
      }
     }
    }
   }
  },
  AgentRegistration: {
   "kind": "AgentRegistration",
   "plural": "agentregistrations",
   "scope": "Namespaced",
   "schema": {
    "type": "object",
    "x-kubernetes-preserve-unknown-fields": true,
    "required": [
     "spec"
    ],
    "properties": {
     "apiVersion": {
      "type": "string",
      "maxLength": 64
     },
     "kind": {
      "type": "string",
      "maxLength": 64
     },
     "metadata": {
      "type": "object"
     },
     "spec": {
      "type": "object",
      "x-kubernetes-preserve-unknown-fields": true,
      "required": [
       "owner",
       "workload"
      ],
      "properties": {
       "agentId": {
        "type": "string",
        "nullable": true,
        "minLength": 1,
        "maxLength": 63,
        "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
       },
       "owner": {
        "type": "string",
        "minLength": 1,
        "maxLength": 256
       },
       "workload": {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true,
        "required": [
         "selector",
         "serviceAccountName"
        ],
        "properties": {
         "selector": {
          "type": "object",
          "x-kubernetes-preserve-unknown-fields": true,
          "properties": {
           "matchLabels": {
            "type": "object",
            "nullable": true,
            "minProperties": 1,
            "maxProperties": 32,
            "additionalProperties": {
             "type": "string",
             "nullable": true,
             "maxLength": 63,
             "pattern": "^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$"
            }
           },
           "matchExpressions": {
            "type": "array",
            "nullable": true,
            "x-kubernetes-list-type": "atomic",
            "minItems": 1,
            "maxItems": 16,
            "items": {
             "type": "object",
             "x-kubernetes-preserve-unknown-fields": true,
             "required": [
              "key",
              "operator"
             ],
             "properties": {
              "key": {
               "type": "string",
               "minLength": 1,
               "maxLength": 317
              },
              "operator": {
               "type": "string",
               "enum": [
                "In",
                "NotIn",
                "Exists",
                "DoesNotExist"
               ]
              },
              "values": {
               "type": "array",
               "nullable": true,
               "x-kubernetes-list-type": "set",
               "minItems": 1,
               "maxItems": 32,
               "items": {
                "type": "string",
                "maxLength": 63,
                "pattern": "^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$"
               }
              }
             },
             "x-kubernetes-validations": [
              {
               "rule": "(self.operator in ['In', 'NotIn']) == has(self.values)",
               "fieldPath": ".values",
               "message": "In and NotIn need values, Exists and DoesNotExist take none; add or remove values"
              }
             ]
            }
           }
          },
          "x-kubernetes-validations": [
           {
            "rule": "has(self.matchLabels) || has(self.matchExpressions)",
            "reason": "FieldValueRequired",
            "message": "the selector would match every pod of the namespace; add matchLabels or matchExpressions"
           }
          ]
         },
         "serviceAccountName": {
          "type": "string",
          "minLength": 1,
          "maxLength": 253,
          "pattern": "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
         }
        }
       },
       "tools": {
        "type": "array",
        "nullable": true,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [
         "toolId"
        ],
        "maxItems": 256,
        "items": {
         "type": "object",
         "x-kubernetes-preserve-unknown-fields": true,
         "required": [
          "toolId"
         ],
         "properties": {
          "toolId": {
           "type": "string",
           "minLength": 1,
           "maxLength": 63,
           "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
          },
          "actions": {
           "type": "array",
           "nullable": true,
           "x-kubernetes-list-type": "set",
           "minItems": 1,
           "maxItems": 256,
           "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": 128,
            "pattern": "^[A-Za-z0-9_][A-Za-z0-9_./:-]*$"
           }
          }
         }
        }
       },
       "purpose": {
        "type": "array",
        "nullable": true,
        "x-kubernetes-list-type": "set",
        "minItems": 1,
        "maxItems": 32,
        "items": {
         "type": "string",
         "minLength": 1,
         "maxLength": 128
        }
       },
       "delegation": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
         "acceptsFrom": {
          "type": "array",
          "nullable": true,
          "x-kubernetes-list-type": "set",
          "minItems": 1,
          "maxItems": 128,
          "items": {
           "type": "string",
           "minLength": 1,
           "maxLength": 63,
           "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
          }
         },
         "maxDepth": {
          "type": "integer",
          "format": "int32",
          "minimum": 0,
          "maximum": 16,
          "default": 4
         },
         "selfOrigin": {
          "type": "boolean",
          "default": false
         }
        }
       },
       "budget": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "required": [
         "limits"
        ],
        "properties": {
         "limits": {
          "type": "array",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": [
           "name"
          ],
          "minItems": 1,
          "maxItems": 16,
          "items": {
           "type": "object",
           "x-kubernetes-preserve-unknown-fields": true,
           "required": [
            "name"
           ],
           "properties": {
            "name": {
             "type": "string",
             "minLength": 1,
             "maxLength": 63,
             "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
            },
            "per": {
             "type": "string",
             "enum": [
              "Agent",
              "Tool",
              "Action",
              "Tenant"
             ],
             "default": "Agent"
            },
            "rate": {
             "type": "object",
             "nullable": true,
             "x-kubernetes-preserve-unknown-fields": true,
             "required": [
              "max",
              "window"
             ],
             "properties": {
              "max": {
               "type": "integer",
               "format": "int32",
               "minimum": 0,
               "maximum": 1000000000
              },
              "window": {
               "type": "string",
               "minLength": 2,
               "maxLength": 8,
               "pattern": "^([1-9][0-9]{0,5}(ms|s|m|h|d)|hour|day|week|month)$"
              }
             }
            },
            "budget": {
             "type": "object",
             "nullable": true,
             "x-kubernetes-preserve-unknown-fields": true,
             "required": [
              "max",
              "window"
             ],
             "properties": {
              "parameter": {
               "type": "string",
               "nullable": true,
               "minLength": 1,
               "maxLength": 128
              },
              "cost": {
               "type": "string",
               "nullable": true,
               "enum": [
                "Estimated"
               ]
              },
              "max": {
               "x-kubernetes-int-or-string": true,
               "minimum": 0,
               "maximum": 9007199254740991,
               "maxLength": 25,
               "pattern": "^[0-9]{1,15}(\\.[0-9]{1,9})?$"
              },
              "window": {
               "type": "string",
               "minLength": 2,
               "maxLength": 8,
               "pattern": "^([1-9][0-9]{0,5}(ms|s|m|h|d)|hour|day|week|month)$"
              }
             },
             "x-kubernetes-validations": [
              {
               "rule": "has(self.parameter) != has(self.cost)",
               "message": "a budget adds up exactly one thing; give either parameter or cost: Estimated"
              }
             ]
            }
           },
           "x-kubernetes-validations": [
            {
             "rule": "has(self.rate) != has(self.budget)",
             "message": "a limit is either a rate or a budget; give exactly one of them"
            }
           ]
          }
         }
        }
       },
       "unmatched": {
        "type": "string",
        "enum": [
         "Deny",
         "Observe"
        ],
        "default": "Deny"
       },
       "egressGuard": {
        "type": "string",
        "enum": [
         "Off",
         "Observe",
         "Enforce"
        ],
        "default": "Off"
       },
       "egress": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
         "allow": {
          "type": "array",
          "nullable": true,
          "x-kubernetes-list-type": "atomic",
          "maxItems": 64,
          "items": {
           "type": "object",
           "x-kubernetes-preserve-unknown-fields": true,
           "properties": {
            "host": {
             "type": "string",
             "nullable": true,
             "minLength": 1,
             "maxLength": 253,
             "pattern": "^(\\*\\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$"
            },
            "cidr": {
             "type": "string",
             "nullable": true,
             "minLength": 1,
             "maxLength": 49
            },
            "ports": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "set",
             "minItems": 1,
             "maxItems": 32,
             "items": {
              "type": "integer",
              "format": "int32",
              "minimum": 1,
              "maximum": 65535
             }
            }
           },
           "x-kubernetes-validations": [
            {
             "rule": "has(self.host) != has(self.cidr)",
             "message": "a destination is either a host or a cidr; give exactly one of them"
            }
           ]
          }
         }
        }
       },
       "reviewBy": {
        "type": "string",
        "nullable": true,
        "minLength": 10,
        "maxLength": 10,
        "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
       },
       "suspended": {
        "type": "boolean",
        "default": false
       }
      }
     },
     "status": {
      "type": "object",
      "default": {
       "observedGeneration": -1
      },
      "properties": {
       "observedGeneration": {
        "type": "integer",
        "format": "int64"
       },
       "conditions": {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [
         "type"
        ],
        "maxItems": 16,
        "items": {
         "type": "object",
         "required": [
          "type",
          "status",
          "lastTransitionTime",
          "reason",
          "message"
         ],
         "properties": {
          "type": {
           "type": "string",
           "minLength": 1,
           "maxLength": 316,
           "pattern": "^([a-z0-9.-]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
          },
          "status": {
           "type": "string",
           "enum": [
            "True",
            "False",
            "Unknown"
           ]
          },
          "observedGeneration": {
           "type": "integer",
           "format": "int64",
           "minimum": 0
          },
          "lastTransitionTime": {
           "type": "string",
           "format": "date-time",
           "maxLength": 64
          },
          "reason": {
           "type": "string",
           "minLength": 1,
           "maxLength": 1024,
           "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
          },
          "message": {
           "type": "string",
           "maxLength": 32768
          }
         }
        }
       },
       "agentId": {
        "type": "string",
        "maxLength": 63
       },
       "tenant": {
        "type": "string",
        "maxLength": 63
       },
       "egressGuard": {
        "type": "string",
        "enum": [
         "Off",
         "Observe",
         "Enforce"
        ]
       },
       "configMapName": {
        "type": "string",
        "maxLength": 253
       },
       "pods": {
        "type": "object",
        "properties": {
         "matched": {
          "type": "integer",
          "format": "int32",
          "minimum": 0
         },
         "injected": {
          "type": "integer",
          "format": "int32",
          "minimum": 0
         },
         "acknowledged": {
          "type": "integer",
          "format": "int32",
          "minimum": 0
         },
         "summary": {
          "type": "string",
          "maxLength": 32
         }
        }
       },
       "egress": {
        "type": "object",
        "properties": {
         "destinations": {
          "type": "integer",
          "format": "int32",
          "minimum": 0
         },
         "observed": {
          "type": "array",
          "x-kubernetes-list-type": "atomic",
          "maxItems": 32,
          "items": {
           "type": "object",
           "required": [
            "destination",
            "port",
            "protocol",
            "connections",
            "refused"
           ],
           "properties": {
            "destination": {
             "type": "string",
             "minLength": 1,
             "maxLength": 253
            },
            "port": {
             "type": "integer",
             "format": "int32",
             "minimum": 0,
             "maximum": 65535
            },
            "protocol": {
             "type": "string",
             "enum": [
              "tcp",
              "udp"
             ]
            },
            "connections": {
             "type": "integer",
             "format": "int64",
             "minimum": 0
            },
            "refused": {
             "type": "boolean"
            }
           }
          }
         }
        }
       },
       "warnings": {
        "type": "array",
        "x-kubernetes-list-type": "atomic",
        "maxItems": 32,
        "items": {
         "type": "string",
         "maxLength": 1024
        }
       }
      }
     }
    },
    "x-kubernetes-validations": [
     {
      "rule": "has(self.spec.agentId) || size(self.metadata.name) <= 63",
      "fieldPath": ".spec.agentId",
      "message": "the name is the agent id and has more than 63 characters; use a shorter name or set spec.agentId"
     },
     {
      "rule": "(has(self.spec.agentId) ? self.spec.agentId : self.metadata.name) == (has(oldSelf.spec.agentId) ? oldSelf.spec.agentId : oldSelf.metadata.name)",
      "fieldPath": ".spec.agentId",
      "reason": "FieldValueForbidden",
      "message": "agentId cannot be changed; delete the registration and create one with the new id"
     }
    ]
   }
  },
  AgentTenant: {
   "kind": "AgentTenant",
   "plural": "agenttenants",
   "scope": "Cluster",
   "schema": {
    "type": "object",
    "x-kubernetes-preserve-unknown-fields": true,
    "required": [
     "spec"
    ],
    "properties": {
     "apiVersion": {
      "type": "string",
      "maxLength": 64
     },
     "kind": {
      "type": "string",
      "maxLength": 64
     },
     "metadata": {
      "type": "object"
     },
     "spec": {
      "type": "object",
      "x-kubernetes-preserve-unknown-fields": true,
      "properties": {
       "namespaces": {
        "type": "array",
        "nullable": true,
        "x-kubernetes-list-type": "set",
        "minItems": 1,
        "maxItems": 256,
        "items": {
         "type": "string",
         "minLength": 1,
         "maxLength": 63,
         "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
        }
       },
       "bundle": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
         "storage": {
          "type": "string",
          "enum": [
           "ConfigMap",
           "OCI"
          ],
          "default": "ConfigMap"
         },
         "oci": {
          "type": "object",
          "nullable": true,
          "x-kubernetes-preserve-unknown-fields": true,
          "required": [
           "repository"
          ],
          "properties": {
           "repository": {
            "type": "string",
            "minLength": 3,
            "maxLength": 512,
            "pattern": "^[a-z0-9][a-zA-Z0-9.:-]*(/[a-z0-9._-]+)+$"
           },
           "credentialRef": {
            "type": "object",
            "nullable": true,
            "x-kubernetes-preserve-unknown-fields": true,
            "required": [
             "name"
            ],
            "properties": {
             "name": {
              "type": "string",
              "minLength": 1,
              "maxLength": 253,
              "pattern": "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
             }
            }
           },
           "insecure": {
            "type": "boolean",
            "default": false
           }
          }
         },
         "headLifetime": {
          "type": "string",
          "minLength": 2,
          "maxLength": 8,
          "pattern": "^[1-9][0-9]{0,5}(ms|s|m|h|d)$",
          "default": "24h"
         },
         "maxStaleness": {
          "type": "string",
          "minLength": 2,
          "maxLength": 8,
          "pattern": "^[1-9][0-9]{0,5}(ms|s|m|h|d)$",
          "default": "72h"
         }
        },
        "x-kubernetes-validations": [
         {
          "rule": "(self.storage == 'OCI') == has(self.oci)",
          "fieldPath": ".oci",
          "message": "oci goes with storage: OCI, which needs it; add or remove oci, or change storage"
         }
        ]
       },
       "trustedKeys": {
        "type": "array",
        "nullable": true,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [
         "keyId"
        ],
        "minItems": 1,
        "maxItems": 16,
        "items": {
         "type": "object",
         "x-kubernetes-preserve-unknown-fields": true,
         "required": [
          "keyId",
          "publicKey"
         ],
         "properties": {
          "keyId": {
           "type": "string",
           "minLength": 1,
           "maxLength": 128,
           "pattern": "^[A-Za-z0-9_.:-]+$"
          },
          "algorithm": {
           "type": "string",
           "enum": [
            "Ed25519"
           ],
           "default": "Ed25519"
          },
          "publicKey": {
           "type": "string",
           "minLength": 43,
           "maxLength": 256,
           "pattern": "^([A-Za-z0-9_-]{43}|[A-Za-z0-9+/]{43}=|-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\\s]+-----END PUBLIC KEY-----\\s*)$"
          },
          "notBefore": {
           "type": "string",
           "nullable": true,
           "format": "date-time",
           "maxLength": 64
          },
          "notAfter": {
           "type": "string",
           "nullable": true,
           "format": "date-time",
           "maxLength": 64
          }
         }
        }
       },
       "failMode": {
        "type": "string",
        "enum": [
         "Closed",
         "StaleReadOnly"
        ],
        "default": "Closed"
       },
       "defaults": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
         "profile": {
          "type": "string",
          "nullable": true,
          "enum": [
           "standard",
           "small",
           "immediate"
          ]
         },
         "approvalTimeout": {
          "type": "string",
          "nullable": true,
          "minLength": 2,
          "maxLength": 8,
          "pattern": "^[1-9][0-9]{0,5}(ms|s|m|h|d)$"
         },
         "maxDepth": {
          "type": "integer",
          "nullable": true,
          "format": "int32",
          "minimum": 0,
          "maximum": 16
         }
        }
       },
       "budget": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "required": [
         "limits"
        ],
        "properties": {
         "limits": {
          "type": "array",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": [
           "name"
          ],
          "minItems": 1,
          "maxItems": 16,
          "items": {
           "type": "object",
           "x-kubernetes-preserve-unknown-fields": true,
           "required": [
            "name"
           ],
           "properties": {
            "name": {
             "type": "string",
             "minLength": 1,
             "maxLength": 63,
             "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
            },
            "per": {
             "type": "string",
             "enum": [
              "Agent",
              "Tool",
              "Action",
              "Tenant"
             ],
             "default": "Agent"
            },
            "rate": {
             "type": "object",
             "nullable": true,
             "x-kubernetes-preserve-unknown-fields": true,
             "required": [
              "max",
              "window"
             ],
             "properties": {
              "max": {
               "type": "integer",
               "format": "int32",
               "minimum": 0,
               "maximum": 1000000000
              },
              "window": {
               "type": "string",
               "minLength": 2,
               "maxLength": 8,
               "pattern": "^([1-9][0-9]{0,5}(ms|s|m|h|d)|hour|day|week|month)$"
              }
             }
            },
            "budget": {
             "type": "object",
             "nullable": true,
             "x-kubernetes-preserve-unknown-fields": true,
             "required": [
              "max",
              "window"
             ],
             "properties": {
              "parameter": {
               "type": "string",
               "nullable": true,
               "minLength": 1,
               "maxLength": 128
              },
              "cost": {
               "type": "string",
               "nullable": true,
               "enum": [
                "Estimated"
               ]
              },
              "max": {
               "x-kubernetes-int-or-string": true,
               "minimum": 0,
               "maximum": 9007199254740991,
               "maxLength": 25,
               "pattern": "^[0-9]{1,15}(\\.[0-9]{1,9})?$"
              },
              "window": {
               "type": "string",
               "minLength": 2,
               "maxLength": 8,
               "pattern": "^([1-9][0-9]{0,5}(ms|s|m|h|d)|hour|day|week|month)$"
              }
             },
             "x-kubernetes-validations": [
              {
               "rule": "has(self.parameter) != has(self.cost)",
               "message": "a budget adds up exactly one thing; give either parameter or cost: Estimated"
              }
             ]
            }
           },
           "x-kubernetes-validations": [
            {
             "rule": "has(self.rate) != has(self.budget)",
             "message": "a limit is either a rate or a budget; give exactly one of them"
            }
           ]
          }
         }
        }
       },
       "rolloutFloors": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "minProperties": 1,
        "properties": {
         "profile": {
          "type": "string",
          "nullable": true,
          "enum": [
           "standard",
           "small"
          ]
         },
         "gates": {
          "type": "array",
          "nullable": true,
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": [
           "to"
          ],
          "minItems": 1,
          "maxItems": 2,
          "items": {
           "type": "object",
           "x-kubernetes-preserve-unknown-fields": true,
           "required": [
            "to"
           ],
           "properties": {
            "to": {
             "type": "string",
             "enum": [
              "Partial",
              "Enforce"
             ]
            },
            "minDuration": {
             "type": "string",
             "nullable": true,
             "minLength": 2,
             "maxLength": 8,
             "pattern": "^(0|[1-9][0-9]{0,5})(ms|s|m|h|d)$"
            },
            "minDecisions": {
             "type": "integer",
             "nullable": true,
             "format": "int64",
             "minimum": 0,
             "maximum": 1000000000000
            },
            "minAgents": {
             "type": "integer",
             "nullable": true,
             "format": "int32",
             "minimum": 0,
             "maximum": 1000000
            },
            "checks": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "map",
             "x-kubernetes-list-map-keys": [
              "name"
             ],
             "minItems": 1,
             "maxItems": 16,
             "items": {
              "type": "object",
              "x-kubernetes-preserve-unknown-fields": true,
              "required": [
               "name",
               "metric",
               "threshold"
              ],
              "properties": {
               "name": {
                "type": "string",
                "minLength": 1,
                "maxLength": 63,
                "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
               },
               "metric": {
                "type": "string",
                "enum": [
                 "WouldDeny",
                 "FalsePositive",
                 "EvaluationError"
                ]
               },
               "threshold": {
                "x-kubernetes-int-or-string": true,
                "minimum": 0,
                "maximum": 100,
                "maxLength": 6,
                "pattern": "^(100|[0-9]{1,2}(\\.[0-9]{1,2})?)%$"
               },
               "window": {
                "type": "string",
                "minLength": 2,
                "maxLength": 8,
                "default": "1h",
                "pattern": "^[1-9][0-9]{0,5}(ms|s|m|h|d)$"
               },
               "interval": {
                "type": "string",
                "minLength": 2,
                "maxLength": 8,
                "default": "5m",
                "pattern": "^[1-9][0-9]{0,5}(ms|s|m|h|d)$"
               },
               "consecutivePasses": {
                "type": "integer",
                "format": "int32",
                "minimum": 1,
                "maximum": 1000,
                "default": 1
               },
               "failureLimit": {
                "type": "integer",
                "format": "int32",
                "minimum": 0,
                "maximum": 1000,
                "default": 0
               },
               "onNoData": {
                "type": "string",
                "enum": [
                 "Hold"
                ],
                "default": "Hold"
               }
              }
             }
            },
            "approval": {
             "type": "object",
             "nullable": true,
             "x-kubernetes-preserve-unknown-fields": true,
             "properties": {
              "required": {
               "type": "boolean",
               "default": true
              },
              "approvers": {
               "type": "integer",
               "format": "int32",
               "minimum": 1,
               "maximum": 16,
               "default": 1
              }
             }
            }
           }
          }
         }
        }
       },
       "approvals": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
         "channels": {
          "type": "array",
          "nullable": true,
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": [
           "name"
          ],
          "minItems": 1,
          "maxItems": 16,
          "items": {
           "type": "object",
           "x-kubernetes-preserve-unknown-fields": true,
           "required": [
            "name",
            "type",
            "secretRef"
           ],
           "properties": {
            "name": {
             "type": "string",
             "minLength": 1,
             "maxLength": 63,
             "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
            },
            "type": {
             "type": "string",
             "enum": [
              "Slack",
              "Teams"
             ]
            },
            "target": {
             "type": "string",
             "nullable": true,
             "minLength": 1,
             "maxLength": 512
            },
            "mode": {
             "type": "string",
             "nullable": true,
             "enum": [
              "Socket",
              "HTTP"
             ]
            },
            "secretRef": {
             "type": "object",
             "x-kubernetes-preserve-unknown-fields": true,
             "required": [
              "name"
             ],
             "properties": {
              "name": {
               "type": "string",
               "minLength": 1,
               "maxLength": 253,
               "pattern": "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
              }
             }
            },
            "risks": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "set",
             "minItems": 1,
             "maxItems": 4,
             "items": {
              "type": "string",
              "enum": [
               "low",
               "medium",
               "high",
               "critical"
              ]
             }
            }
           },
           "x-kubernetes-validations": [
            {
             "rule": "self.type == 'Slack' || !has(self.mode)",
             "fieldPath": ".mode",
             "reason": "FieldValueForbidden",
             "message": "mode is about Slack only; remove it"
            }
           ]
          }
         },
         "approvers": {
          "type": "array",
          "nullable": true,
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": [
           "name"
          ],
          "minItems": 1,
          "maxItems": 32,
          "items": {
           "type": "object",
           "x-kubernetes-preserve-unknown-fields": true,
           "required": [
            "name"
           ],
           "properties": {
            "name": {
             "type": "string",
             "minLength": 1,
             "maxLength": 63,
             "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
            },
            "users": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "set",
             "minItems": 1,
             "maxItems": 64,
             "items": {
              "type": "string",
              "minLength": 1,
              "maxLength": 256
             }
            },
            "groups": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "set",
             "minItems": 1,
             "maxItems": 32,
             "items": {
              "type": "string",
              "minLength": 1,
              "maxLength": 256
             }
            },
            "risks": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "set",
             "minItems": 1,
             "maxItems": 4,
             "items": {
              "type": "string",
              "enum": [
               "low",
               "medium",
               "high",
               "critical"
              ]
             }
            },
            "tools": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "set",
             "minItems": 1,
             "maxItems": 64,
             "items": {
              "type": "string",
              "minLength": 1,
              "maxLength": 63,
              "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
             }
            },
            "maxAmount": {
             "x-kubernetes-int-or-string": true,
             "nullable": true,
             "minimum": 0,
             "maximum": 9007199254740991,
             "maxLength": 25,
             "pattern": "^[0-9]{1,15}(\\.[0-9]{1,9})?$"
            },
            "currency": {
             "type": "string",
             "nullable": true,
             "minLength": 3,
             "maxLength": 3,
             "pattern": "^[A-Z]{3}$"
            },
            "required": {
             "type": "integer",
             "format": "int32",
             "minimum": 1,
             "maximum": 16,
             "default": 1
            }
           },
           "x-kubernetes-validations": [
            {
             "rule": "has(self.users) || has(self.groups)",
             "reason": "FieldValueRequired",
             "message": "the entry names nobody; add users or groups"
            },
            {
             "rule": "has(self.maxAmount) == has(self.currency)",
             "fieldPath": ".currency",
             "message": "an amount needs its currency; give maxAmount and currency together"
            }
           ]
          }
         },
         "mergeWindow": {
          "type": "string",
          "minLength": 2,
          "maxLength": 8,
          "pattern": "^(0|[1-9][0-9]{0,5})(ms|s|m|h|d)$",
          "default": "5m"
         }
        }
       },
       "freeze": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "required": [
         "reason"
        ],
        "properties": {
         "gateways": {
          "type": "string",
          "enum": [
           "Keep",
           "DenyWrites",
           "DenyAll"
          ],
          "default": "Keep"
         },
         "reason": {
          "type": "string",
          "minLength": 1,
          "maxLength": 1024
         },
         "until": {
          "type": "string",
          "nullable": true,
          "format": "date-time",
          "maxLength": 64
         }
        }
       },
       "pin": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "required": [
         "sequence",
         "reason"
        ],
        "properties": {
         "sequence": {
          "type": "integer",
          "format": "int64",
          "minimum": 1,
          "maximum": 9007199254740991
         },
         "reason": {
          "type": "string",
          "minLength": 1,
          "maxLength": 1024
         }
        }
       },
       "retention": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
         "bundles": {
          "type": "integer",
          "format": "int32",
          "minimum": 2,
          "maximum": 100,
          "default": 10
         },
         "approvals": {
          "type": "string",
          "minLength": 2,
          "maxLength": 8,
          "pattern": "^[1-9][0-9]{0,5}(ms|s|m|h|d)$",
          "default": "90d"
         },
         "emergencies": {
          "type": "string",
          "minLength": 2,
          "maxLength": 8,
          "pattern": "^[1-9][0-9]{0,5}(ms|s|m|h|d)$",
          "default": "90d"
         }
        }
       }
      }
     },
     "status": {
      "type": "object",
      "default": {
       "observedGeneration": -1
      },
      "properties": {
       "observedGeneration": {
        "type": "integer",
        "format": "int64"
       },
       "conditions": {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [
         "type"
        ],
        "maxItems": 16,
        "items": {
         "type": "object",
         "required": [
          "type",
          "status",
          "lastTransitionTime",
          "reason",
          "message"
         ],
         "properties": {
          "type": {
           "type": "string",
           "minLength": 1,
           "maxLength": 316,
           "pattern": "^([a-z0-9.-]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
          },
          "status": {
           "type": "string",
           "enum": [
            "True",
            "False",
            "Unknown"
           ]
          },
          "observedGeneration": {
           "type": "integer",
           "format": "int64",
           "minimum": 0
          },
          "lastTransitionTime": {
           "type": "string",
           "format": "date-time",
           "maxLength": 64
          },
          "reason": {
           "type": "string",
           "minLength": 1,
           "maxLength": 1024,
           "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
          },
          "message": {
           "type": "string",
           "maxLength": 32768
          }
         }
        }
       },
       "namespaces": {
        "type": "string",
        "maxLength": 4096
       },
       "agents": {
        "type": "integer",
        "format": "int32",
        "minimum": 0
       },
       "policies": {
        "type": "integer",
        "format": "int32",
        "minimum": 0
       },
       "frozen": {
        "type": "boolean"
       },
       "bundle": {
        "type": "object",
        "properties": {
         "digest": {
          "type": "string",
          "maxLength": 71
         },
         "sequence": {
          "type": "integer",
          "format": "int64",
          "minimum": 0
         },
         "keyId": {
          "type": "string",
          "maxLength": 128
         },
         "issuedAt": {
          "type": "string",
          "format": "date-time",
          "maxLength": 64
         },
         "expiresAt": {
          "type": "string",
          "format": "date-time",
          "maxLength": 64
         }
        }
       }
      }
     }
    },
    "x-kubernetes-validations": [
     {
      "rule": "size(self.metadata.name) <= 63",
      "message": "the name of a tenant has at most 63 characters; use a shorter name"
     }
    ]
   }
  },
  AgentTool: {
   "kind": "AgentTool",
   "plural": "agenttools",
   "scope": "Namespaced",
   "schema": {
    "type": "object",
    "x-kubernetes-preserve-unknown-fields": true,
    "required": [
     "spec"
    ],
    "properties": {
     "apiVersion": {
      "type": "string",
      "maxLength": 64
     },
     "kind": {
      "type": "string",
      "maxLength": 64
     },
     "metadata": {
      "type": "object"
     },
     "spec": {
      "type": "object",
      "x-kubernetes-preserve-unknown-fields": true,
      "required": [
       "protocol",
       "upstream"
      ],
      "properties": {
       "toolId": {
        "type": "string",
        "nullable": true,
        "minLength": 1,
        "maxLength": 63,
        "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
       },
       "description": {
        "type": "string",
        "nullable": true,
        "minLength": 1,
        "maxLength": 1024
       },
       "protocol": {
        "type": "string",
        "enum": [
         "HTTP",
         "MCP",
         "Agent"
        ]
       },
       "upstream": {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
         "url": {
          "type": "string",
          "nullable": true,
          "minLength": 8,
          "maxLength": 2048,
          "pattern": "^https?://[^/?#@\\s]+(/[^?#\\s]*)?$"
         },
         "hosts": {
          "type": "array",
          "nullable": true,
          "x-kubernetes-list-type": "set",
          "minItems": 1,
          "maxItems": 32,
          "items": {
           "type": "string",
           "minLength": 1,
           "maxLength": 253,
           "pattern": "^(\\*\\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$"
          }
         },
         "tls": {
          "type": "object",
          "nullable": true,
          "x-kubernetes-preserve-unknown-fields": true,
          "properties": {
           "serverName": {
            "type": "string",
            "nullable": true,
            "minLength": 1,
            "maxLength": 253
           },
           "caRef": {
            "type": "object",
            "nullable": true,
            "x-kubernetes-preserve-unknown-fields": true,
            "required": [
             "name"
            ],
            "properties": {
             "kind": {
              "type": "string",
              "enum": [
               "ConfigMap",
               "Secret"
              ],
              "default": "ConfigMap"
             },
             "name": {
              "type": "string",
              "minLength": 1,
              "maxLength": 253,
              "pattern": "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
             },
             "key": {
              "type": "string",
              "minLength": 1,
              "maxLength": 253,
              "default": "ca.crt"
             }
            }
           },
           "minVersion": {
            "type": "string",
            "enum": [
             "TLS1.2",
             "TLS1.3"
            ],
            "default": "TLS1.2"
           }
          }
         },
         "credentialRef": {
          "type": "object",
          "nullable": true,
          "x-kubernetes-preserve-unknown-fields": true,
          "required": [
           "name"
          ],
          "properties": {
           "name": {
            "type": "string",
            "minLength": 1,
            "maxLength": 253,
            "pattern": "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
           },
           "key": {
            "type": "string",
            "minLength": 1,
            "maxLength": 253,
            "default": "token"
           },
           "in": {
            "type": "string",
            "enum": [
             "header",
             "query"
            ],
            "default": "header"
           },
           "field": {
            "type": "string",
            "minLength": 1,
            "maxLength": 128,
            "default": "Authorization",
            "pattern": "^[A-Za-z0-9_.~-]+$"
           },
           "prefix": {
            "type": "string",
            "nullable": true,
            "maxLength": 32
           }
          }
         },
         "region": {
          "type": "string",
          "nullable": true,
          "minLength": 1,
          "maxLength": 63,
          "pattern": "^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$"
         }
        },
        "x-kubernetes-validations": [
         {
          "rule": "has(self.url) || has(self.hosts)",
          "reason": "FieldValueRequired",
          "message": "the upstream does not say where the tool is; give url or hosts"
         }
        ]
       },
       "riskTier": {
        "type": "string",
        "enum": [
         "low",
         "medium",
         "high",
         "critical"
        ],
        "default": "medium"
       },
       "currencyDigits": {
        "type": "object",
        "nullable": true,
        "maxProperties": 200,
        "additionalProperties": {
         "type": "integer",
         "nullable": true,
         "minimum": 0,
         "maximum": 4
        },
        "x-kubernetes-validations": [
         {
          "rule": "self.all(code, code.matches('^[A-Z]{3}$'))",
          "message": "not the code of a currency; write its three upper-case letters, e.g. IDR"
         }
        ]
       },
       "idempotency": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
         "header": {
          "type": "string",
          "minLength": 1,
          "maxLength": 128,
          "pattern": "^[A-Za-z0-9_-]+$",
          "default": "Idempotency-Key"
         },
         "window": {
          "type": "string",
          "pattern": "^[0-9]{1,6}(s|m|h|d)$",
          "maxLength": 8,
          "default": "24h"
         }
        }
       },
       "refuseHeaders": {
        "type": "array",
        "nullable": true,
        "x-kubernetes-list-type": "set",
        "minItems": 1,
        "maxItems": 32,
        "items": {
         "type": "string",
         "minLength": 1,
         "maxLength": 128,
         "pattern": "^[A-Za-z0-9-]+[*]?$"
        }
       },
       "openapi": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
         "configMapRef": {
          "type": "object",
          "nullable": true,
          "x-kubernetes-preserve-unknown-fields": true,
          "required": [
           "name"
          ],
          "properties": {
           "name": {
            "type": "string",
            "minLength": 1,
            "maxLength": 253,
            "pattern": "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
           },
           "key": {
            "type": "string",
            "minLength": 1,
            "maxLength": 253,
            "default": "openapi.json"
           }
          }
         },
         "inline": {
          "type": "string",
          "nullable": true,
          "minLength": 1,
          "maxLength": 262144
         }
        },
        "x-kubernetes-validations": [
         {
          "rule": "has(self.configMapRef) != has(self.inline)",
          "message": "the document has one source; give exactly one of configMapRef and inline"
         }
        ]
       },
       "actions": {
        "type": "array",
        "nullable": true,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [
         "name"
        ],
        "maxItems": 256,
        "items": {
         "type": "object",
         "x-kubernetes-preserve-unknown-fields": true,
         "required": [
          "name",
          "effect"
         ],
         "properties": {
          "name": {
           "type": "string",
           "minLength": 1,
           "maxLength": 128,
           "pattern": "^[A-Za-z0-9_][A-Za-z0-9_./:-]*$"
          },
          "description": {
           "type": "string",
           "nullable": true,
           "minLength": 1,
           "maxLength": 1024
          },
          "effect": {
           "type": "string",
           "enum": [
            "read",
            "write",
            "irreversible"
           ]
          },
          "riskTier": {
           "type": "string",
           "nullable": true,
           "enum": [
            "low",
            "medium",
            "high",
            "critical"
           ]
          },
          "match": {
           "type": "object",
           "nullable": true,
           "x-kubernetes-preserve-unknown-fields": true,
           "properties": {
            "method": {
             "type": "string",
             "nullable": true,
             "enum": [
              "GET",
              "HEAD",
              "POST",
              "PUT",
              "PATCH",
              "DELETE",
              "OPTIONS"
             ]
            },
            "path": {
             "type": "string",
             "nullable": true,
             "minLength": 1,
             "maxLength": 1024,
             "pattern": "^/[^?#]*$"
            },
            "query": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "set",
             "minItems": 1,
             "maxItems": 8,
             "items": {
              "type": "string",
              "minLength": 1,
              "maxLength": 128
             }
            },
            "headers": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "set",
             "minItems": 1,
             "maxItems": 8,
             "items": {
              "type": "string",
              "minLength": 1,
              "maxLength": 128,
              "pattern": "^[A-Za-z0-9-]+$"
             }
            },
            "operationId": {
             "type": "string",
             "nullable": true,
             "minLength": 1,
             "maxLength": 256
            },
            "mcpTool": {
             "type": "string",
             "nullable": true,
             "minLength": 1,
             "maxLength": 128
            }
           },
           "x-kubernetes-validations": [
            {
             "rule": "has(self.method) == has(self.path)",
             "message": "method and path belong together; give both or neither"
            },
            {
             "rule": "has(self.path) || !(has(self.query) || has(self.headers))",
             "message": "query and headers tell requests on one path apart; give method and path too"
            },
            {
             "rule": "[has(self.path), has(self.operationId), has(self.mcpTool)].exists_one(given, given)",
             "message": "an action is recognised in exactly one way; give method and path, or operationId, or mcpTool"
            }
           ]
          },
          "parameters": {
           "type": "object",
           "nullable": true,
           "maxProperties": 64,
           "additionalProperties": {
            "type": "object",
            "nullable": true,
            "x-kubernetes-preserve-unknown-fields": true,
            "required": [
             "in",
             "type"
            ],
            "properties": {
             "in": {
              "type": "string",
              "enum": [
               "path",
               "query",
               "header",
               "form",
               "json",
               "body",
               "multipart",
               "context"
              ]
             },
             "name": {
              "type": "string",
              "nullable": true,
              "minLength": 1,
              "maxLength": 256
             },
             "pointer": {
              "type": "string",
              "nullable": true,
              "minLength": 1,
              "maxLength": 512,
              "pattern": "^/"
             },
             "type": {
              "type": "string",
              "enum": [
               "string",
               "integer",
               "number",
               "boolean",
               "array",
               "object"
              ]
             },
             "items": {
              "type": "string",
              "nullable": true,
              "enum": [
               "string",
               "integer",
               "number",
               "boolean",
               "object"
              ]
             },
             "role": {
              "type": "string",
              "nullable": true,
              "enum": [
               "amount",
               "currency",
               "purpose",
               "destination",
               "region",
               "channel"
              ]
             },
             "scale": {
              "x-kubernetes-int-or-string": true,
              "nullable": true,
              "minimum": -18,
              "maximum": 18,
              "maxLength": 10,
              "pattern": "^byCurrency$"
             },
             "case": {
              "type": "string",
              "nullable": true,
              "enum": [
               "upper",
               "lower"
              ]
             },
             "format": {
              "type": "string",
              "nullable": true,
              "enum": [
               "uri",
               "host",
               "ip",
               "path",
               "id",
               "binary"
              ]
             },
             "required": {
              "type": "boolean",
              "default": false
             },
             "sensitive": {
              "type": "boolean",
              "default": false
             }
            },
            "x-kubernetes-validations": [
             {
              "rule": "self.__in__ == 'json' || !has(self.pointer)",
              "fieldPath": ".pointer",
              "reason": "FieldValueForbidden",
              "message": "a pointer goes with in: json only; use name for the other parts of a request"
             },
             {
              "rule": "!(has(self.pointer) && has(self.name))",
              "fieldPath": ".name",
              "reason": "FieldValueForbidden",
              "message": "the pointer already says where the parameter is; remove name or pointer"
             },
             {
              "rule": "self.type == 'array' || !has(self.items)",
              "fieldPath": ".items",
              "reason": "FieldValueForbidden",
              "message": "items goes with type: array only; remove items or change the type"
             },
             {
              "rule": "!has(self.scale) || self.type in ['integer', 'number', 'string']",
              "fieldPath": ".scale",
              "reason": "FieldValueForbidden",
              "message": "only a number has a scale; remove scale, or use type integer, number or string"
             },
             {
              "rule": "!(has(self.case) || has(self.format)) || self.type == 'string' || (has(self.items) && self.items == 'string')",
              "message": "case and format are for text; remove them, or use type string"
             },
             {
              "rule": "!has(self.role) || self.role != 'amount' || self.type in ['integer', 'number', 'string']",
              "fieldPath": ".role",
              "message": "an amount is a number; use type integer, number or string"
             }
            ]
           },
           "x-kubernetes-validations": [
            {
             "rule": "self.all(name, size(name) >= 1 && size(name) <= 128)",
             "message": "a parameter name must have 1 to 128 characters; shorten it and keep the wire name in name"
            }
           ]
          },
          "webSocket": {
           "type": "string",
           "nullable": true,
           "enum": [
            "Refuse",
            "Allow"
           ]
          },
          "undeclared": {
           "type": "string",
           "nullable": true,
           "enum": [
            "Refuse",
            "Allow"
           ]
          },
          "body": {
           "type": "string",
           "nullable": true,
           "enum": [
            "Read",
            "Stream"
           ]
          },
          "cost": {
           "x-kubernetes-int-or-string": true,
           "nullable": true,
           "minimum": 0,
           "maximum": 9007199254740991,
           "maxLength": 25,
           "pattern": "^[0-9]{1,15}(\\.[0-9]{1,9})?$"
          },
          "sanitize": {
           "type": "object",
           "nullable": true,
           "x-kubernetes-preserve-unknown-fields": true,
           "minProperties": 1,
           "properties": {
            "request": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "map",
             "x-kubernetes-list-map-keys": [
              "param"
             ],
             "minItems": 1,
             "maxItems": 32,
             "items": {
              "type": "object",
              "x-kubernetes-preserve-unknown-fields": true,
              "required": [
               "param",
               "op"
              ],
              "properties": {
               "param": {
                "type": "string",
                "minLength": 1,
                "maxLength": 128
               },
               "op": {
                "type": "string",
                "enum": [
                 "redact",
                 "mask",
                 "hash",
                 "clamp",
                 "set",
                 "drop"
                ]
               },
               "value": {
                "x-kubernetes-int-or-string": true,
                "nullable": true,
                "minimum": -9007199254740991,
                "maximum": 9007199254740991,
                "maxLength": 256
               }
              },
              "x-kubernetes-validations": [
               {
                "rule": "(self.op in ['set', 'clamp']) == has(self.value)",
                "fieldPath": ".value",
                "message": "value goes with set and clamp, which need it, and with no other op; add or remove value"
               },
               {
                "rule": "self.op != 'clamp' || !has(self.value) || type(self.value) == int || string(self.value).matches('^-?[0-9]{1,15}([.][0-9]{1,9})?$')",
                "fieldPath": ".value",
                "message": "clamp needs a number; write an integer, or a decimal number such as \"99.50\""
               }
              ]
             }
            },
            "response": {
             "type": "array",
             "nullable": true,
             "x-kubernetes-list-type": "atomic",
             "minItems": 1,
             "maxItems": 32,
             "items": {
              "type": "object",
              "x-kubernetes-preserve-unknown-fields": true,
              "required": [
               "op"
              ],
              "properties": {
               "pointer": {
                "type": "string",
                "nullable": true,
                "minLength": 1,
                "maxLength": 512,
                "pattern": "^/"
               },
               "detector": {
                "type": "string",
                "nullable": true,
                "minLength": 1,
                "maxLength": 63,
                "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
               },
               "op": {
                "type": "string",
                "enum": [
                 "redact",
                 "mask",
                 "hash",
                 "drop"
                ]
               }
              },
              "x-kubernetes-validations": [
               {
                "rule": "has(self.pointer) != has(self.detector)",
                "message": "a response change finds its text by pointer or by detector; give exactly one of them"
               }
              ]
             }
            }
           }
          },
          "denial": {
           "type": "object",
           "nullable": true,
           "x-kubernetes-preserve-unknown-fields": true,
           "properties": {
            "shape": {
             "type": "string",
             "enum": [
              "Problem",
              "Stripe",
              "GitHub",
              "OpenAI",
              "Google",
              "Slack",
              "FHIR",
              "Kubernetes",
              "S3"
             ],
             "default": "Problem"
            },
            "members": {
             "type": "object",
             "nullable": true,
             "maxProperties": 16,
             "additionalProperties": {
              "type": "string",
              "nullable": true,
              "maxLength": 1024
             }
            }
           }
          },
          "pinnedDigest": {
           "type": "string",
           "nullable": true,
           "minLength": 71,
           "maxLength": 71,
           "pattern": "^sha256:[0-9a-f]{64}$"
          }
         }
        }
       },
       "denial": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
         "shape": {
          "type": "string",
          "enum": [
           "Problem",
           "Stripe",
           "GitHub",
           "OpenAI",
           "Google",
           "Slack",
           "FHIR",
           "Kubernetes",
           "S3"
          ],
          "default": "Problem"
         },
         "members": {
          "type": "object",
          "nullable": true,
          "maxProperties": 16,
          "additionalProperties": {
           "type": "string",
           "nullable": true,
           "maxLength": 1024
          }
         }
        }
       }
      },
      "x-kubernetes-validations": [
       {
        "rule": "self.protocol != 'HTTP' || !has(self.actions) || self.actions.all(action, has(action.match) && (has(action.match.path) || has(action.match.operationId)))",
        "fieldPath": ".actions",
        "message": "an action of an HTTP tool is recognised by its request; give each action match with method and path, or operationId"
       },
       {
        "rule": "self.protocol != 'MCP' || !has(self.actions) || self.actions.all(action, !has(action.match) || has(action.match.mcpTool))",
        "fieldPath": ".actions",
        "message": "an action of an MCP tool is matched by mcpTool; remove method, path and operationId"
       },
       {
        "rule": "has(self.openapi) || !has(self.actions) || self.actions.all(action, !has(action.match) || !has(action.match.operationId))",
        "fieldPath": ".openapi",
        "reason": "FieldValueRequired",
        "message": "an action names an operationId but there is no OpenAPI document; add openapi or use method and path"
       },
       {
        "rule": "self.protocol == 'MCP' || !has(self.actions) || self.actions.all(action, !has(action.pinnedDigest))",
        "fieldPath": ".actions",
        "reason": "FieldValueForbidden",
        "message": "pinnedDigest is the digest of an MCP tool definition; remove it or use protocol: MCP"
       },
       {
        "rule": "self.protocol != 'HTTP' || (has(self.actions) && size(self.actions) > 0)",
        "fieldPath": ".actions",
        "reason": "FieldValueRequired",
        "message": "an HTTP tool without actions can never be called; add at least one action"
       }
      ]
     },
     "status": {
      "type": "object",
      "default": {
       "observedGeneration": -1
      },
      "properties": {
       "observedGeneration": {
        "type": "integer",
        "format": "int64"
       },
       "conditions": {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [
         "type"
        ],
        "maxItems": 16,
        "items": {
         "type": "object",
         "required": [
          "type",
          "status",
          "lastTransitionTime",
          "reason",
          "message"
         ],
         "properties": {
          "type": {
           "type": "string",
           "minLength": 1,
           "maxLength": 316,
           "pattern": "^([a-z0-9.-]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
          },
          "status": {
           "type": "string",
           "enum": [
            "True",
            "False",
            "Unknown"
           ]
          },
          "observedGeneration": {
           "type": "integer",
           "format": "int64",
           "minimum": 0
          },
          "lastTransitionTime": {
           "type": "string",
           "format": "date-time",
           "maxLength": 64
          },
          "reason": {
           "type": "string",
           "minLength": 1,
           "maxLength": 1024,
           "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
          },
          "message": {
           "type": "string",
           "maxLength": 32768
          }
         }
        }
       },
       "toolId": {
        "type": "string",
        "maxLength": 63
       },
       "tenant": {
        "type": "string",
        "maxLength": 63
       },
       "revision": {
        "type": "string",
        "maxLength": 71
       },
       "actions": {
        "type": "integer",
        "format": "int32",
        "minimum": 0
       },
       "discoveredActions": {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [
         "name"
        ],
        "maxItems": 256,
        "items": {
         "type": "object",
         "required": [
          "name"
         ],
         "properties": {
          "name": {
           "type": "string",
           "minLength": 1,
           "maxLength": 128
          },
          "digest": {
           "type": "string",
           "maxLength": 71
          }
         }
        }
       },
       "warnings": {
        "type": "array",
        "x-kubernetes-list-type": "atomic",
        "maxItems": 32,
        "items": {
         "type": "string",
         "maxLength": 1024
        }
       }
      }
     }
    },
    "x-kubernetes-validations": [
     {
      "rule": "has(self.spec.toolId) || size(self.metadata.name) <= 63",
      "fieldPath": ".spec.toolId",
      "message": "the name is the tool id and has more than 63 characters; use a shorter name or set spec.toolId"
     },
     {
      "rule": "(has(self.spec.toolId) ? self.spec.toolId : self.metadata.name) == (has(oldSelf.spec.toolId) ? oldSelf.spec.toolId : oldSelf.metadata.name)",
      "fieldPath": ".spec.toolId",
      "reason": "FieldValueForbidden",
      "message": "toolId cannot be changed; delete the tool and create one with the new id"
     }
    ]
   }
  },
  ApprovalDecision: {
   "kind": "ApprovalDecision",
   "plural": "approvaldecisions",
   "scope": "Namespaced",
   "schema": {
    "type": "object",
    "x-kubernetes-preserve-unknown-fields": true,
    "required": [
     "spec"
    ],
    "properties": {
     "apiVersion": {
      "type": "string",
      "maxLength": 64
     },
     "kind": {
      "type": "string",
      "maxLength": 64
     },
     "metadata": {
      "type": "object"
     },
     "spec": {
      "type": "object",
      "x-kubernetes-preserve-unknown-fields": true,
      "required": [
       "request",
       "digest",
       "decision"
      ],
      "properties": {
       "request": {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true,
        "required": [
         "name"
        ],
        "properties": {
         "name": {
          "type": "string",
          "minLength": 1,
          "maxLength": 253,
          "pattern": "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
         },
         "uid": {
          "type": "string",
          "nullable": true,
          "minLength": 1,
          "maxLength": 64
         }
        }
       },
       "digest": {
        "type": "string",
        "minLength": 71,
        "maxLength": 71,
        "pattern": "^sha256:[0-9a-f]{64}$"
       },
       "decision": {
        "type": "string",
        "enum": [
         "Approve",
         "Deny"
        ]
       },
       "comment": {
        "type": "string",
        "nullable": true,
        "minLength": 1,
        "maxLength": 1024
       },
       "approver": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
         "username": {
          "type": "string",
          "nullable": true,
          "minLength": 1,
          "maxLength": 256
         },
         "uid": {
          "type": "string",
          "nullable": true,
          "minLength": 1,
          "maxLength": 128
         },
         "groups": {
          "type": "array",
          "nullable": true,
          "x-kubernetes-list-type": "set",
          "maxItems": 64,
          "items": {
           "type": "string",
           "minLength": 1,
           "maxLength": 256
          }
         }
        }
       },
       "onBehalfOf": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "required": [
         "provider",
         "id"
        ],
        "properties": {
         "provider": {
          "type": "string",
          "enum": [
           "Slack",
           "Teams",
           "Page"
          ]
         },
         "id": {
          "type": "string",
          "minLength": 1,
          "maxLength": 128
         },
         "name": {
          "type": "string",
          "nullable": true,
          "minLength": 1,
          "maxLength": 256
         },
         "email": {
          "type": "string",
          "nullable": true,
          "minLength": 3,
          "maxLength": 254
         }
        }
       }
      },
      "x-kubernetes-validations": [
       {
        "rule": "self == oldSelf",
        "reason": "FieldValueForbidden",
        "message": "a decision is never changed; create another ApprovalDecision"
       },
       {
        "rule": "self.decision == 'Approve' || has(self.comment)",
        "fieldPath": ".comment",
        "reason": "FieldValueRequired",
        "message": "say why it is refused; add comment"
       }
      ]
     },
     "status": {
      "type": "object",
      "default": {
       "observedGeneration": -1
      },
      "properties": {
       "observedGeneration": {
        "type": "integer",
        "format": "int64"
       },
       "conditions": {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [
         "type"
        ],
        "maxItems": 16,
        "items": {
         "type": "object",
         "required": [
          "type",
          "status",
          "lastTransitionTime",
          "reason",
          "message"
         ],
         "properties": {
          "type": {
           "type": "string",
           "minLength": 1,
           "maxLength": 316,
           "pattern": "^([a-z0-9.-]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
          },
          "status": {
           "type": "string",
           "enum": [
            "True",
            "False",
            "Unknown"
           ]
          },
          "observedGeneration": {
           "type": "integer",
           "format": "int64",
           "minimum": 0
          },
          "lastTransitionTime": {
           "type": "string",
           "format": "date-time",
           "maxLength": 64
          },
          "reason": {
           "type": "string",
           "minLength": 1,
           "maxLength": 1024,
           "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
          },
          "message": {
           "type": "string",
           "maxLength": 32768
          }
         }
        }
       },
       "counted": {
        "type": "boolean"
       },
       "reason": {
        "type": "string",
        "maxLength": 256
       }
      }
     }
    }
   }
  },
  ApprovalRequest: {
   "kind": "ApprovalRequest",
   "plural": "approvalrequests",
   "scope": "Namespaced",
   "schema": {
    "type": "object",
    "x-kubernetes-preserve-unknown-fields": true,
    "required": [
     "spec"
    ],
    "properties": {
     "apiVersion": {
      "type": "string",
      "maxLength": 64
     },
     "kind": {
      "type": "string",
      "maxLength": 64
     },
     "metadata": {
      "type": "object"
     },
     "spec": {
      "type": "object",
      "x-kubernetes-preserve-unknown-fields": true,
      "required": [
       "subject",
       "tenant",
       "digest",
       "riskTier",
       "expiresAt"
      ],
      "properties": {
       "subject": {
        "type": "string",
        "enum": [
         "ToolCall",
         "PolicyStage"
        ]
       },
       "tenant": {
        "type": "string",
        "minLength": 1,
        "maxLength": 63,
        "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
       },
       "digest": {
        "type": "string",
        "minLength": 71,
        "maxLength": 71,
        "pattern": "^sha256:[0-9a-f]{64}$"
       },
       "riskTier": {
        "type": "string",
        "enum": [
         "low",
         "medium",
         "high",
         "critical"
        ]
       },
       "reason": {
        "type": "string",
        "nullable": true,
        "minLength": 1,
        "maxLength": 1024
       },
       "rules": {
        "type": "array",
        "nullable": true,
        "x-kubernetes-list-type": "set",
        "maxItems": 64,
        "items": {
         "type": "string",
         "minLength": 1,
         "maxLength": 381
        }
       },
       "required": {
        "type": "integer",
        "format": "int32",
        "minimum": 1,
        "maximum": 16,
        "default": 1
       },
       "approvers": {
        "type": "array",
        "nullable": true,
        "x-kubernetes-list-type": "set",
        "maxItems": 32,
        "items": {
         "type": "string",
         "minLength": 1,
         "maxLength": 63
        }
       },
       "expiresAt": {
        "type": "string",
        "format": "date-time",
        "maxLength": 64
       },
       "toolCall": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "required": [
         "agent",
         "tool",
         "action"
        ],
        "properties": {
         "agent": {
          "type": "string",
          "minLength": 1,
          "maxLength": 63,
          "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
         },
         "tool": {
          "type": "string",
          "minLength": 1,
          "maxLength": 63,
          "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
         },
         "toolRevision": {
          "type": "string",
          "nullable": true,
          "minLength": 71,
          "maxLength": 71,
          "pattern": "^sha256:[0-9a-f]{64}$"
         },
         "action": {
          "type": "string",
          "minLength": 1,
          "maxLength": 128,
          "pattern": "^[A-Za-z0-9_][A-Za-z0-9_./:-]*$"
         },
         "policyRevision": {
          "type": "string",
          "nullable": true,
          "minLength": 71,
          "maxLength": 71,
          "pattern": "^sha256:[0-9a-f]{64}$"
         },
         "parameters": {
          "type": "array",
          "nullable": true,
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": [
           "name"
          ],
          "maxItems": 64,
          "items": {
           "type": "object",
           "x-kubernetes-preserve-unknown-fields": true,
           "required": [
            "name"
           ],
           "properties": {
            "name": {
             "type": "string",
             "minLength": 1,
             "maxLength": 128
            },
            "value": {
             "type": "string",
             "nullable": true,
             "maxLength": 1024
            },
            "redacted": {
             "type": "boolean",
             "default": false
            },
            "decisive": {
             "type": "boolean",
             "default": false
            },
            "limit": {
             "type": "string",
             "nullable": true,
             "maxLength": 256
            }
           }
          }
         },
         "chain": {
          "type": "array",
          "nullable": true,
          "x-kubernetes-list-type": "atomic",
          "maxItems": 17,
          "items": {
           "type": "string",
           "minLength": 1,
           "maxLength": 63,
           "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
          }
         },
         "decisionId": {
          "type": "string",
          "nullable": true,
          "minLength": 1,
          "maxLength": 64
         },
         "pod": {
          "type": "string",
          "nullable": true,
          "minLength": 1,
          "maxLength": 253
         }
        }
       },
       "policyStage": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "required": [
         "policy",
         "revision",
         "to"
        ],
        "properties": {
         "policy": {
          "type": "string",
          "minLength": 1,
          "maxLength": 253,
          "pattern": "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
         },
         "uid": {
          "type": "string",
          "nullable": true,
          "minLength": 1,
          "maxLength": 64
         },
         "revision": {
          "type": "string",
          "minLength": 71,
          "maxLength": 71,
          "pattern": "^sha256:[0-9a-f]{64}$"
         },
         "from": {
          "type": "string",
          "nullable": true,
          "enum": [
           "Shadow",
           "Partial",
           "Enforce"
          ]
         },
         "to": {
          "type": "string",
          "enum": [
           "Partial",
           "Enforce",
           "Removed"
          ]
         },
         "loosens": {
          "type": "boolean",
          "nullable": true
         },
         "author": {
          "type": "string",
          "nullable": true,
          "minLength": 1,
          "maxLength": 256
         },
         "editors": {
          "type": "array",
          "nullable": true,
          "x-kubernetes-list-type": "set",
          "maxItems": 32,
          "items": {
           "type": "string",
           "minLength": 1,
           "maxLength": 256
          }
         },
         "summary": {
          "type": "string",
          "nullable": true,
          "minLength": 1,
          "maxLength": 4096
         }
        }
       }
      },
      "x-kubernetes-validations": [
       {
        "rule": "(self.subject == 'ToolCall') == has(self.toolCall)",
        "fieldPath": ".toolCall",
        "message": "toolCall goes with subject: ToolCall, which needs it; add or remove toolCall"
       },
       {
        "rule": "(self.subject == 'PolicyStage') == has(self.policyStage)",
        "fieldPath": ".policyStage",
        "message": "policyStage goes with subject: PolicyStage, which needs it; add or remove policyStage"
       },
       {
        "rule": "self == oldSelf",
        "reason": "FieldValueForbidden",
        "message": "a request is never changed, since people decided on what it said; let it expire and ask again"
       }
      ]
     },
     "status": {
      "type": "object",
      "default": {
       "observedGeneration": -1
      },
      "properties": {
       "observedGeneration": {
        "type": "integer",
        "format": "int64"
       },
       "conditions": {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [
         "type"
        ],
        "maxItems": 16,
        "items": {
         "type": "object",
         "required": [
          "type",
          "status",
          "lastTransitionTime",
          "reason",
          "message"
         ],
         "properties": {
          "type": {
           "type": "string",
           "minLength": 1,
           "maxLength": 316,
           "pattern": "^([a-z0-9.-]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
          },
          "status": {
           "type": "string",
           "enum": [
            "True",
            "False",
            "Unknown"
           ]
          },
          "observedGeneration": {
           "type": "integer",
           "format": "int64",
           "minimum": 0
          },
          "lastTransitionTime": {
           "type": "string",
           "format": "date-time",
           "maxLength": 64
          },
          "reason": {
           "type": "string",
           "minLength": 1,
           "maxLength": 1024,
           "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
          },
          "message": {
           "type": "string",
           "maxLength": 32768
          }
         }
        }
       },
       "phase": {
        "type": "string",
        "enum": [
         "Pending",
         "Approved",
         "Denied",
         "Expired",
         "Redeemed",
         "Unknown",
         "Cancelled"
        ]
       },
       "count": {
        "type": "integer",
        "format": "int32",
        "minimum": 0
       },
       "lastSeenAt": {
        "type": "string",
        "format": "date-time",
        "maxLength": 64
       },
       "decidedAt": {
        "type": "string",
        "format": "date-time",
        "maxLength": 64
       },
       "redeemedAt": {
        "type": "string",
        "format": "date-time",
        "maxLength": 64
       },
       "tokenId": {
        "type": "string",
        "maxLength": 64
       },
       "decisions": {
        "type": "array",
        "x-kubernetes-list-type": "atomic",
        "maxItems": 32,
        "items": {
         "type": "object",
         "properties": {
          "name": {
           "type": "string",
           "maxLength": 253
          },
          "approver": {
           "type": "string",
           "maxLength": 256
          },
          "decision": {
           "type": "string",
           "enum": [
            "Approve",
            "Deny"
           ]
          },
          "counted": {
           "type": "boolean"
          },
          "reason": {
           "type": "string",
           "maxLength": 256
          },
          "at": {
           "type": "string",
           "format": "date-time",
           "maxLength": 64
          }
         }
        }
       },
       "notifications": {
        "type": "array",
        "x-kubernetes-list-type": "atomic",
        "maxItems": 16,
        "items": {
         "type": "object",
         "properties": {
          "channel": {
           "type": "string",
           "maxLength": 63
          },
          "reference": {
           "type": "string",
           "maxLength": 256
          },
          "sentAt": {
           "type": "string",
           "format": "date-time",
           "maxLength": 64
          },
          "error": {
           "type": "string",
           "maxLength": 1024
          }
         }
        }
       }
      }
     }
    }
   }
  },
  EmergencyAction: {
   "kind": "EmergencyAction",
   "plural": "emergencyactions",
   "scope": "Namespaced",
   "schema": {
    "type": "object",
    "x-kubernetes-preserve-unknown-fields": true,
    "required": [
     "spec"
    ],
    "properties": {
     "apiVersion": {
      "type": "string",
      "maxLength": 64
     },
     "kind": {
      "type": "string",
      "maxLength": 64
     },
     "metadata": {
      "type": "object"
     },
     "spec": {
      "type": "object",
      "x-kubernetes-preserve-unknown-fields": true,
      "required": [
       "action",
       "target",
       "reason"
      ],
      "properties": {
       "action": {
        "type": "string",
        "enum": [
         "Freeze",
         "Pin",
         "SuspendAgent",
         "Pause",
         "Abort",
         "Promote",
         "BreakGlass"
        ]
       },
       "target": {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
         "tenant": {
          "type": "string",
          "nullable": true,
          "minLength": 1,
          "maxLength": 63,
          "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
         },
         "agent": {
          "type": "string",
          "nullable": true,
          "minLength": 1,
          "maxLength": 63,
          "pattern": "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
         },
         "policy": {
          "type": "string",
          "nullable": true,
          "minLength": 1,
          "maxLength": 253,
          "pattern": "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
         },
         "revision": {
          "type": "string",
          "nullable": true,
          "minLength": 71,
          "maxLength": 71,
          "pattern": "^sha256:[0-9a-f]{64}$"
         },
         "sequence": {
          "type": "integer",
          "nullable": true,
          "format": "int64",
          "minimum": 1,
          "maximum": 9007199254740991
         }
        }
       },
       "gateways": {
        "type": "string",
        "nullable": true,
        "enum": [
         "Keep",
         "DenyWrites",
         "DenyAll"
        ]
       },
       "reason": {
        "type": "string",
        "minLength": 1,
        "maxLength": 1024
       },
       "ticket": {
        "type": "string",
        "nullable": true,
        "minLength": 1,
        "maxLength": 256
       },
       "expiresAt": {
        "type": "string",
        "nullable": true,
        "format": "date-time",
        "maxLength": 64
       },
       "requestedBy": {
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
         "username": {
          "type": "string",
          "nullable": true,
          "minLength": 1,
          "maxLength": 256
         },
         "uid": {
          "type": "string",
          "nullable": true,
          "minLength": 1,
          "maxLength": 128
         },
         "groups": {
          "type": "array",
          "nullable": true,
          "x-kubernetes-list-type": "set",
          "maxItems": 64,
          "items": {
           "type": "string",
           "minLength": 1,
           "maxLength": 256
          }
         }
        }
       }
      },
      "x-kubernetes-validations": [
       {
        "rule": "(self.action == 'SuspendAgent') == has(self.target.agent)",
        "fieldPath": ".target.agent",
        "message": "target.agent goes with SuspendAgent, which needs it; add or remove target.agent"
       },
       {
        "rule": "(self.action == 'Pin') == has(self.target.sequence)",
        "fieldPath": ".target.sequence",
        "message": "target.sequence goes with Pin, which needs it; add or remove target.sequence"
       },
       {
        "rule": "!(self.action in ['Pause', 'Abort', 'Promote']) || has(self.target.policy)",
        "fieldPath": ".target.policy",
        "reason": "FieldValueRequired",
        "message": "Pause, Abort and Promote are about one policy; add target.policy"
       },
       {
        "rule": "self.action != 'Promote' || has(self.target.revision)",
        "fieldPath": ".target.revision",
        "reason": "FieldValueRequired",
        "message": "Promote is about one exact revision; add target.revision as the policy's status shows it"
       },
       {
        "rule": "self.action == 'Freeze' || !has(self.gateways)",
        "fieldPath": ".gateways",
        "reason": "FieldValueForbidden",
        "message": "gateways is about Freeze only; remove it"
       },
       {
        "rule": "self.action != 'BreakGlass' || has(self.expiresAt)",
        "fieldPath": ".expiresAt",
        "reason": "FieldValueRequired",
        "message": "BreakGlass must end by itself; add expiresAt"
       },
       {
        "rule": "self.action == oldSelf.action && self.target == oldSelf.target",
        "fieldPath": ".action",
        "reason": "FieldValueForbidden",
        "message": "action and target cannot be changed; delete the object and create another"
       }
      ]
     },
     "status": {
      "type": "object",
      "default": {
       "observedGeneration": -1
      },
      "properties": {
       "observedGeneration": {
        "type": "integer",
        "format": "int64"
       },
       "conditions": {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [
         "type"
        ],
        "maxItems": 16,
        "items": {
         "type": "object",
         "required": [
          "type",
          "status",
          "lastTransitionTime",
          "reason",
          "message"
         ],
         "properties": {
          "type": {
           "type": "string",
           "minLength": 1,
           "maxLength": 316,
           "pattern": "^([a-z0-9.-]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
          },
          "status": {
           "type": "string",
           "enum": [
            "True",
            "False",
            "Unknown"
           ]
          },
          "observedGeneration": {
           "type": "integer",
           "format": "int64",
           "minimum": 0
          },
          "lastTransitionTime": {
           "type": "string",
           "format": "date-time",
           "maxLength": 64
          },
          "reason": {
           "type": "string",
           "minLength": 1,
           "maxLength": 1024,
           "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
          },
          "message": {
           "type": "string",
           "maxLength": 32768
          }
         }
        }
       },
       "active": {
        "type": "boolean"
       },
       "target": {
        "type": "string",
        "maxLength": 512
       },
       "startedAt": {
        "type": "string",
        "format": "date-time",
        "maxLength": 64
       },
       "endedAt": {
        "type": "string",
        "format": "date-time",
        "maxLength": 64
       }
      }
     }
    }
   }
  },
};
