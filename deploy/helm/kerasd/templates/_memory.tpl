{{- /* How what is compiled and trained fits into the container's limit of memory. Where cgroups of
version 2 end all of a container when one of its processes takes too much, a child has to fail first. */ -}}

{{- /* A quantity of Kubernetes in MiB. */ -}}
{{- define "kerasd.mebibytes" -}}
{{- $text := ternary (printf "%.0f" .) (toString .) (kindIs "float64" .) -}}
{{- $units := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "Pi" 1125899906842624 -}}
{{- $unit := regexFind "[a-zA-Z]*$" $text -}}
{{- if not (and (regexMatch "^[0-9]+([.][0-9]+)?([eE][0-9]+|[a-zA-Z]*)$" $text) (hasKey $units $unit)) -}}
{{- fail (printf "%q is no quantity of memory: give one such as 6Gi" $text) -}}
{{- end -}}
{{- divf (mulf (float64 (trimSuffix $unit $text)) (float64 (get $units $unit))) 1048576.0 | floor | int64 -}}
{{- end -}}

{{- /* The settings of children that follow from the limit of who compiles, but for those that are given.
A child of TensorFlow never touches some 1,700 MiB of its addresses: its limit of them is its share of
memory and 1,536. Where models are baked nothing is compiled. */ -}}
{{- define "kerasd.childSettings" -}}
{{- $replicas := eq .Values.mode "replicas" -}}
{{- $limit := dig "resources" "limits" "memory" "" (ternary .Values.controller .Values.single $replicas) -}}
{{- if and $limit (not .Values.repository.baked) -}}
{{- $given := .Values.settings -}}
{{- $others := ternary 512 (add 1024 (mul 256 .Values.web.workers)) $replicas -}}
{{- $room := sub (int64 (include "kerasd.mebibytes" $limit)) $others -}}
{{- $compiles := int64 ($given.compile_jobs | default (ternary 2 1 (ge $room 7168))) -}}
{{- $jobs := ternary 0 (int64 ($given.jobs_at_once | default 1)) (eq ($given.executor | default "local") "ray") -}}
{{- $share := div $room (add $compiles $jobs) -}}
{{- $compile := int64 ($given.compile_memory_mb | default (add $share 1536)) -}}
{{- $job := int64 ($given.job_memory_mb | default (add $share 1536)) -}}
{{- $taken := add (mul $compiles (sub $compile 1536)) (mul $jobs (sub $job 1536)) -}}
{{- if or (lt $share 768) (gt $taken $room) -}}
{{- fail (printf "%s.resources.limits.memory %v is too little: beside %d MiB for the rest, compile_jobs %d and jobs_at_once %d may take %d MiB by compile_memory_mb %d and job_memory_mb %d, and each needs 768; raise it, or lower these settings" (ternary "controller" "single" $replicas) $limit $others $compiles $jobs $taken $compile $job) -}}
{{- end -}}
{{- $told := dict "compile_jobs" $compiles "compile_memory_mb" $compile -}}
{{- if $jobs -}}
{{- $_ := set $told "job_memory_mb" $job -}}
{{- end -}}
{{- range $name, $value := $told }}
{{- if not (hasKey $given $name) }}
KERASD_{{ upper $name }}: {{ $value | quote }}
{{- end }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* A web pod of mode replicas only looks at uploads: half of it is enough. */ -}}
{{- define "kerasd.checkSettings" -}}
{{- with dig "resources" "limits" "memory" "" .Values.web -}}
- {name: KERASD_COMPILE_MEMORY_MB, value: {{ max 1024 (div (int64 (include "kerasd.mebibytes" .)) 2) | quote }}}
{{- end -}}
{{- end -}}
