"""What runs kerasd elsewhere: a Helm chart, plain manifests made from it, and KServe's way."""
