{{- /* Names, labels and images. */ -}}

{{- define "kerasd.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "kerasd.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "kerasd.labels" -}}
{{ include "kerasd.labelsWith" (dict "root" . "more" dict) }}
{{- end -}}

{{- /* Told: root, and more labels, which win over common ones. */ -}}
{{- define "kerasd.labelsWith" -}}
{{- with .root -}}
{{ include "kerasd.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}
{{- with merge dict .more .root.Values.commonLabels }}
{{ toYaml . }}
{{- end -}}
{{- end -}}

{{- /* Told: root and the name of a component, which is that of its values but for the migration. */ -}}
{{- define "kerasd.podLabels" -}}
{{- $values := get .root.Values (ternary "migration" .component (eq .component "migrate")) -}}
{{ include "kerasd.labelsWith" (dict "root" .root "more" $values.podLabels) }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- /* The component whose pods answer requests. */ -}}
{{- define "kerasd.answering" -}}
{{- ternary "web" "single" (eq .Values.mode "replicas") -}}
{{- end -}}

{{- define "kerasd.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "kerasd.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "kerasd.controllerAccount" -}}
{{- $own := ternary (printf "%s-controller" (include "kerasd.fullname" .)) (include "kerasd.serviceAccount" .) .Values.controller.serviceAccount.create -}}
{{- .Values.controller.serviceAccount.name | default $own -}}
{{- end -}}

{{- /* Before an installation, none that the release makes is there. */ -}}
{{- define "kerasd.migrationAccount" -}}
{{- $there := ternary "default" (include "kerasd.serviceAccount" .) .Values.serviceAccount.create -}}
{{- .Values.migration.serviceAccountName | default $there -}}
{{- end -}}

{{- define "kerasd.claim" -}}
{{- .Values.volume.existingClaim | default (include "kerasd.fullname" .) -}}
{{- end -}}

{{- define "kerasd.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "kerasd.serveImage" -}}
{{- with .Values.serveImage -}}
{{- if not .repository -}}
{{ include "kerasd.image" $ }}
{{- else if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default (printf "%s-serve" $.Chart.AppVersion) }}
{{- end -}}
{{- end -}}
{{- end -}}
