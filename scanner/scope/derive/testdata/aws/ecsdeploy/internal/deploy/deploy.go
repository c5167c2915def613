// Package deploy rolls a new image out.
package deploy

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

type ecsAPI interface {
	ecs.DescribeServicesAPIClient
	DescribeTaskDefinition(context.Context, *ecs.DescribeTaskDefinitionInput, ...func(*ecs.Options)) (*ecs.DescribeTaskDefinitionOutput, error)
	RegisterTaskDefinition(context.Context, *ecs.RegisterTaskDefinitionInput, ...func(*ecs.Options)) (*ecs.RegisterTaskDefinitionOutput, error)
	UpdateService(context.Context, *ecs.UpdateServiceInput, ...func(*ecs.Options)) (*ecs.UpdateServiceOutput, error)
	DeleteService(context.Context, *ecs.DeleteServiceInput, ...func(*ecs.Options)) (*ecs.DeleteServiceOutput, error)
}

type Deployer struct {
	ecs     ecsAPI
	ecr     *ecr.Client
	timeout time.Duration
}

type Option func(*Deployer)

func WithTimeout(d time.Duration) Option { return func(x *Deployer) { x.timeout = d } }

func New(e ecsAPI, r *ecr.Client, opts ...Option) *Deployer {
	d := &Deployer{ecs: e, ecr: r}
	for _, o := range opts {
		o(d)
	}
	return d
}

var cluster, service = "prod", "web"

func (d *Deployer) Run(ctx context.Context, tag string) error {
	img, err := d.ecr.DescribeImages(ctx, &ecr.DescribeImagesInput{
		RepositoryName: aws.String("shop/web"),
		ImageIds:       []ecrtypes.ImageIdentifier{{ImageTag: &tag}},
	})
	if err != nil {
		return err
	}
	if len(img.ImageDetails) == 0 {
		return errors.New("no such image")
	}
	td, err := d.ecs.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family:           aws.String("web"),
		ExecutionRoleArn: aws.String("arn:aws:iam::111122223333:role/ecs-exec"),
		TaskRoleArn:      aws.String("arn:aws:iam::111122223333:role/web-task"),
		ContainerDefinitions: []types.ContainerDefinition{{
			Name: aws.String("web"), Image: aws.String("111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:" + tag),
		}},
	})
	if err != nil {
		return err
	}
	_, err = d.ecs.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: &cluster, Service: &service, TaskDefinition: td.TaskDefinition.TaskDefinitionArn})
	if err != nil {
		return err
	}
	w := ecs.NewServicesStableWaiter(d.ecs)
	return w.Wait(ctx, &ecs.DescribeServicesInput{Cluster: &cluster, Services: []string{service}}, d.timeout)
}
