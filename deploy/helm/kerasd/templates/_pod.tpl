{{- /* What all pods have in common: rights, places, settings, probes. */ -}}

{{- define "kerasd.podRights" -}}
automountServiceAccountToken: false
# The variables of a Service that is called kerasd would be taken for settings.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  {{- range $name, $number := .Values.podSecurityContext }}
  {{- if not (kindIs "invalid" $number) }}
  {{ $name }}: {{ int64 $number }}
  {{- end }}
  {{- end }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "kerasd.containerRights" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- /* Told root, and own: a component's values. */ -}}
{{- define "kerasd.placement" -}}
{{- with merge dict (.own.nodeSelector | default dict) (.root.Values.nodeSelector | default dict) -}}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{- /* Settings, then what may hold secrets: by reference only. Told, as all below: root; names, the
settings whose Secrets this pod gets; bucket, the Secret with its rights there; scratch, the values of
its own places; writesData, whether jobs that run in it may write where data files lie. */ -}}
{{- define "kerasd.environment" -}}
envFrom:
  - configMapRef:
      name: {{ include "kerasd.fullname" .root }}-settings
env:
  - {name: KERASD_SECRETS_DIR, value: /etc/kerasd/secrets}
  {{- if .root.Values.keys.existingSecret }}
  - {name: KERASD_KEYS_FILE, value: /etc/kerasd/keys/keys.json}
  {{- end }}
  {{- with .bucket }}
  - name: AWS_ACCESS_KEY_ID
    valueFrom:
      secretKeyRef: {name: {{ . }}, key: AWS_ACCESS_KEY_ID}
  - name: AWS_SECRET_ACCESS_KEY
    valueFrom:
      secretKeyRef: {name: {{ . }}, key: AWS_SECRET_ACCESS_KEY}
  {{- end }}
  {{- with .root.Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "kerasd.mounts" -}}
{{- $values := .root.Values -}}
- {name: tmp, mountPath: /tmp}
- {name: shared-memory, mountPath: /dev/shm}
{{- $single := eq $values.mode "single" }}
{{- if and $single $values.volume.enabled }}
- {name: volume, mountPath: /var/lib/kerasd, subPath: state}
{{- else }}
- {name: state, mountPath: /var/lib/kerasd}
{{- end }}
{{- if and $values.volume.enabled (not $single) }}
- {name: volume, mountPath: /var/lib/kerasd-shared, subPath: shared}
{{- end }}
{{- if not (or $values.repository.url $values.repository.baked) }}
- {name: volume, mountPath: /models, subPath: models}
{{- end }}
{{- if $values.data.existingClaim }}
- {name: data, mountPath: /data, readOnly: {{ not .writesData }}}
{{- end }}
{{- if $values.keys.existingSecret }}
- {name: keys, mountPath: /etc/kerasd/keys, readOnly: true}
{{- end }}
{{- if include "kerasd.secretFiles" . }}
- {name: secrets, mountPath: /etc/kerasd/secrets, readOnly: true}
{{- end }}
{{- with $values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "kerasd.volumes" -}}
{{- $values := .root.Values -}}
- name: tmp
  emptyDir: {sizeLimit: {{ .scratch.size }}}
- name: shared-memory
  emptyDir: {medium: Memory, sizeLimit: {{ $values.scratch.sharedMemory | default (printf "%dMi" (mul 64 $values.web.workers)) }}}
{{- if not (and (eq $values.mode "single") $values.volume.enabled) }}
- name: state
  {{- if .scratch.existingClaim }}
  persistentVolumeClaim: {claimName: {{ .scratch.existingClaim }}}
  {{- else }}
  emptyDir: {sizeLimit: {{ .scratch.size }}}
  {{- end }}
{{- end }}
{{- if $values.volume.enabled }}
- name: volume
  persistentVolumeClaim: {claimName: {{ include "kerasd.claim" .root }}}
{{- end }}
{{- with $values.data.existingClaim }}
- name: data
  persistentVolumeClaim: {claimName: {{ . }}, readOnly: {{ not $.writesData }}}
{{- end }}
{{- with $values.keys.existingSecret }}
- name: keys
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    items:
      - {key: {{ $values.keys.key }}, path: keys.json}
{{- end }}
{{- with include "kerasd.secretFiles" . }}
- name: secrets
  {{- . | nindent 2 }}
{{- end }}
{{- with $values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* Nothing where none of them has a Secret. */ -}}
{{- define "kerasd.secretFiles" -}}
{{- $sources := list -}}
{{- range $name := .names -}}
{{- $secret := index $.root.Values.secrets $name -}}
{{- if $secret.existingSecret -}}
{{- $items := list (dict "key" $secret.key "path" (printf "kerasd_%s" $name)) -}}
{{- $sources = append $sources (dict "secret" (dict "name" $secret.existingSecret "items" $items)) -}}
{{- end -}}
{{- end -}}
{{- if $sources -}}
projected:
  defaultMode: 0440
  sources: {{- toYaml $sources | nindent 4 }}
{{- end -}}
{{- end -}}

{{- /* Ready: everything that should be served is loaded. Alive: somebody answers at all. The service
kills a worker that hangs by itself, after a minute; this comes later, and only if nobody answers. */ -}}
{{- define "kerasd.probes" -}}
startupProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: {{ mul .Values.startupMinutes 30 }}
readinessProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
livenessProbe:
  httpGet: {path: /livez, port: http}
  periodSeconds: 15
  timeoutSeconds: 10
  failureThreshold: 12
{{- end -}}

{{- /* Draining, requests under way, and what the processes need to end. */ -}}
{{- define "kerasd.graceSeconds" -}}
{{ add .Values.drainSeconds 45 (int (ceil (.Values.settings.predict_timeout_s | default 30))) }}
{{- end -}}

{{- /* A pod that may take so long to start mustn't have its rollout counted as failed before. */ -}}
{{- define "kerasd.progressSeconds" -}}
{{ add (mul .Values.startupMinutes 60) 300 }}
{{- end -}}
