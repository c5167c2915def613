package v1

type SecretType string

const SecretTypeServiceAccountToken SecretType = "kubernetes.io/service-account-token"

type Secret struct{ Type SecretType }
