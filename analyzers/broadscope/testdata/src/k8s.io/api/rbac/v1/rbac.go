package v1

const VerbAll = "*"

type PolicyRule struct{ Verbs, APIGroups, Resources, ResourceNames, NonResourceURLs []string }
