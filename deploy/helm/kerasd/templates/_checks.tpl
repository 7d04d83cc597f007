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
{{- if and $v.web.autoscaling.enabled (not (dig "resources" "requests" "cpu" "" $v.web)) -}}
{{- fail "the autoscaler goes by what is requested: give web.resources.requests.cpu" -}}
{{- end -}}
{{- if and $v.web.tensorflow.enabled (semverCompare "<1.29.0-0" .Capabilities.KubeVersion.Version) -}}
{{- fail (printf "web.tensorflow needs containers beside others, which Kubernetes has since 1.29; this is %s" .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- if lt (int $v.web.autoscaling.maxReplicas) (int $v.web.autoscaling.minReplicas) -}}
{{- fail "web.autoscaling.maxReplicas is less than minReplicas" -}}
{{- end -}}
{{- if and $v.monitoring.serviceMonitor.enabled (eq $v.access "keys") (not $v.monitoring.serviceMonitor.existingSecret) -}}
{{- fail "Prometheus needs a key: set monitoring.serviceMonitor.existingSecret to a Secret with a key of the role metrics" -}}
{{- end -}}
{{- if and $v.ingress.enabled (not $v.ingress.hosts) -}}
{{- fail "ingress.hosts is empty: give the names that clients ask for" -}}
{{- end -}}
{{- if and $v.httpRoute.enabled (not $v.httpRoute.parentRefs) -}}
{{- fail "httpRoute.parentRefs is empty: name the gateway that requests come by" -}}
{{- end -}}
{{- if and $v.service.loadBalancerSourceRanges (ne $v.service.type "LoadBalancer") -}}
{{- fail "service.loadBalancerSourceRanges is for type LoadBalancer" -}}
{{- end -}}
{{- if and $v.service.externalTrafficPolicy (eq $v.service.type "ClusterIP") -}}
{{- fail "service.externalTrafficPolicy is for types NodePort and LoadBalancer" -}}
{{- end -}}
{{- if not (regexMatch "^[a-z][-a-z0-9]*$" (include "kerasd.fullname" .)) -}}
{{- fail (printf "a Service can't be called %s: give a fullnameOverride that begins with a letter and has no dots" (include "kerasd.fullname" .)) -}}
{{- end -}}
{{- if and $v.migration.enabled (le (int $v.migration.deadlineSeconds) (int $v.migration.waitSeconds)) -}}
{{- fail "the migration would be ended while it waits for the database: migration.deadlineSeconds must be more than waitSeconds" -}}
{{- end -}}
{{- if and (not $replicas) (or $v.repository.controllerSecret $v.controller.serviceAccount.create $v.controller.serviceAccount.name) -}}
{{- fail "mode single is one pod with one identity: repository.controllerSecret and controller.serviceAccount are for mode replicas" -}}
{{- end -}}
{{- end -}}
