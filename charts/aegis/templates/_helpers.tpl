{{/* What every object has beside its own labels. */}}
{{- define "aegis.labels" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "aegis.operatorImage" -}}
{{- with .Values.image.registry }}{{ . }}/{{ end }}{{ .Values.image.repository }}
{{- include "aegis.imageVersion" (dict "image" .Values.image "version" .Chart.AppVersion) }}
{{- end }}

{{- define "aegis.gatewayImage" -}}
{{- include "aegis.gatewayRepository" . }}
{{- include "aegis.imageVersion" (dict "image" .Values.injection.image "version" .Chart.AppVersion) }}
{{- end }}

{{/* Without tag and digest, as the admission policies compare it. */}}
{{- define "aegis.gatewayRepository" -}}
{{- with .Values.injection.image.registry | default .Values.image.registry }}{{ . }}/{{ end }}{{ .Values.injection.image.repository }}
{{- end }}

{{/* What stands behind it. Takes the values of the image, and the version where they have neither tag nor digest. */}}
{{- define "aegis.imageVersion" -}}
{{- $tag := .image.tag }}
{{- if not (or $tag .image.digest) }}{{ $tag = .version }}{{ end }}
{{- with $tag }}:{{ . }}{{ end }}
{{- with .image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* A map as the operator reads pairs: KEY=VALUE; KEY=VALUE. */}}
{{- define "aegis.pairs" -}}
{{- $pairs := list }}
{{- range $key, $value := . }}{{ $pairs = append $pairs (printf "%s=%v" $key $value) }}{{ end }}
{{- join "; " $pairs }}
{{- end }}

{{/* The settings of the operator that follow from values, as environment variables. */}}
{{- define "aegis.environment" -}}
{{- with .Values.injection }}
- name: AEGIS_OPERATOR_INJECTION_IMAGE
  value: {{ include "aegis.gatewayImage" $ }}
- name: AEGIS_OPERATOR_INJECTION_UID
  value: {{ required "injection.uid: a number above 0 is needed" .uid | int64 | quote }}
{{- with .image.pullPolicy }}
- name: AEGIS_OPERATOR_INJECTION_IMAGE_PULL_POLICY
  value: {{ . }}
{{- end }}
{{- with .resources.requests }}
- name: AEGIS_OPERATOR_INJECTION_REQUESTS
  value: {{ include "aegis.pairs" . | quote }}
{{- end }}
{{- with .resources.limits }}
- name: AEGIS_OPERATOR_INJECTION_LIMITS
  value: {{ include "aegis.pairs" . | quote }}
{{- end }}
{{- with .capture }}
- name: AEGIS_OPERATOR_INJECTION_CAPTURE
  value: {{ . }}
{{- end }}
{{- with .gatewaySettings }}
- name: AEGIS_OPERATOR_INJECTION_GATEWAY_SETTINGS
  value: {{ include "aegis.pairs" . | quote }}
{{- end }}
{{- with .clusterDomain }}
- name: AEGIS_OPERATOR_INJECTION_CLUSTER_DOMAIN
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- if .Values.certificates.secretName }}
- name: AEGIS_OPERATOR_CERTIFICATES_MODE
  value: Files
- name: AEGIS_OPERATOR_CERTIFICATES_DIRECTORY
  value: /var/run/secrets/aegis.dev/certificate
{{- end }}
{{- range $key, $value := .Values.operator.settings }}
- name: AEGIS_OPERATOR_{{ regexReplaceAll "([A-Z])" $key "_${1}" | replace "." "_" | upper }}
  value: {{ kindIs "slice" $value | ternary (join "," $value) (toString $value) | quote }}
{{- end }}
{{- end }}

{{/* Peers of a NetworkPolicy: the pods of namespaces, by name. */}}
{{- define "aegis.namespacePeer" -}}
- namespaceSelector:
    matchExpressions:
      - key: kubernetes.io/metadata.name
        operator: In
        values:
          {{- toYaml . | nindent 10 }}
{{- end }}
