{{- /* What the schema can't say: values that only make sense together. */ -}}

{{- define "kerasd.check" -}}
{{- $v := .Values -}}
{{- $replicas := eq $v.mode "replicas" -}}
{{- if and $replicas (not $v.secrets.database_url.existingSecret) -}}
{{- fail "mode replicas needs a PostgreSQL: set secrets.database_url.existingSecret to a Secret that holds its address" -}}
{{- end -}}
{{- if and (eq $v.access "keys") (not $v.keys.existingSecret) (not $v.settings.oidc_issuer) -}}
{{- fail "access keys needs a file of keys or an issuer of tokens: set keys.existingSecret or settings.oidc_issuer, or access to open where only trusted pods reach the service" -}}
{{- end -}}
{{- if and $v.repository.url $v.repository.baked -}}
{{- fail "models come from repository.url or are baked into the image, not both" -}}
{{- end -}}
{{- if not (or $v.repository.url $v.repository.baked $v.volume.enabled) -}}
{{- fail "models have no place: enable the volume, or set repository.url or repository.baked" -}}
{{- end -}}
{{- if and $replicas (not (or $v.volume.enabled $v.repository.compiledUrl $v.repository.baked)) -}}
{{- fail "web pods get no compiled versions: enable the volume or set repository.compiledUrl" -}}
{{- end -}}
{{- if and $v.repository.compiledUrl (not $v.repository.url) -}}
{{- fail "repository.compiledUrl is for a remote repository: set repository.url" -}}
{{- end -}}
{{- if and (not $replicas) $v.web.autoscaling.enabled -}}
{{- fail "mode single is one pod: autoscaling is for mode replicas" -}}
{{- end -}}
{{- if and (not $replicas) $v.web.tensorflow.enabled -}}
{{- fail "in mode single the controller runs TensorFlow: web.tensorflow is for mode replicas" -}}
{{- end -}}
{{- if lt (int $v.web.autoscaling.maxReplicas) (int $v.web.autoscaling.minReplicas) -}}
{{- fail "web.autoscaling.maxReplicas is less than minReplicas" -}}
{{- end -}}
{{- if and $v.monitoring.serviceMonitor.enabled (eq $v.access "keys") (not $v.monitoring.serviceMonitor.existingSecret) -}}
{{- fail "Prometheus needs a key: set monitoring.serviceMonitor.existingSecret to a Secret with a key of the role metrics" -}}
{{- end -}}
{{- if and $v.ingress.enabled (not $v.ingress.host) -}}
{{- fail "ingress.host is empty: give the name that clients ask for" -}}
{{- end -}}
{{- end -}}
