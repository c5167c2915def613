package histories

// Small are histories for tests of exactness.
func Small() []Spec {
	return []Spec{
		{Name: "tools", Modules: []Module{{"golang.org/x/tools", 12}}},
		{Name: "go-git", Modules: []Module{{"github.com/go-git/go-git/v5", 20}}, Depth: 250, Window: 50},
		{Name: "api", Modules: []Module{{"k8s.io/api", 12}}},
		{Name: "client-go", Modules: []Module{{"k8s.io/client-go", 10}}, Depth: 10, Window: 20},
		{Name: "net", Modules: []Module{{"golang.org/x/net", 20}}},
		{Name: "grpc", Modules: []Module{{"google.golang.org/grpc", 20}}},
		{Name: "ec2", Modules: []Module{{"github.com/aws/aws-sdk-go-v2/service/ec2", 6}}},
	}
}

// Half and Full are the histories that speed is measured on: Full has over
// 20,000 objects and more than a gigabyte of content, Half about half of it.
func Half() Spec { return mix("half", 1) }

// Full is the history that speed is measured on.
func Full() Spec { return mix("full", 2) }

func mix(name string, times int) Spec {
	return Spec{Name: name, Modules: []Module{
		{"golang.org/x/tools", 34 * times}, {"github.com/go-git/go-git/v5", 30 * times}, {"k8s.io/api", 60 * times},
		{"k8s.io/client-go", 60 * times}, {"google.golang.org/grpc", 70 * times}, {"golang.org/x/net", 30 * times},
		{"github.com/aws/aws-sdk-go-v2/service/ec2", 40 * times},
	}}
}
