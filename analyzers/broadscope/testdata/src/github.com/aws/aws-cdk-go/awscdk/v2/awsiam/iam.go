package awsiam

type Effect string

const (
	Effect_ALLOW Effect = "ALLOW"
	Effect_DENY  Effect = "DENY"
)

type PolicyStatementProps struct {
	Effect             Effect
	Actions, Resources *[]*string
}
