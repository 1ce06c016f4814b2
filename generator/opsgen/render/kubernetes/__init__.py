"""Resources of a Kubernetes cluster: the Prometheus operator's, Grafana's, and the kustomizations
that list them."""
