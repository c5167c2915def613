package jsii

func Strings(v ...string) *[]*string { return nil }
