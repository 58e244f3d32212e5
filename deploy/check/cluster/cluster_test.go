package cluster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// previous is the release whose manifests are in testdata, rendered: what a cluster is upgraded from. No release is out yet, so these are
// the manifests of commit 08cefa0. At a release: go test -C deploy/check/cluster -run Keep -args -keep v0.2.0, and name it here.
const previous = "08cefa0"

var keep = flag.String("keep", "", "write the manifests of this release to testdata")

var overlays = []string{"staging", "production"}

// fieldManager is what the API server remembers as the owner of fields: those that a later release leaves out are removed.
const fieldManager = "test"

// cluster applies resources to an API server.
type cluster struct {
	t       *testing.T
	config  *rest.Config
	client  dynamic.Interface
	objects *kubernetes.Clientset
}

func newCluster(t *testing.T) cluster {
	t.Helper()
	config := startCluster(t)
	client, err := dynamic.NewForConfig(config)
	require.NoError(t, err)
	objects, err := kubernetes.NewForConfig(config)
	require.NoError(t, err)
	c := cluster{t: t, config: config, client: client, objects: objects}
	for _, file := range filepath.SplitList(os.Getenv("DEFINITIONS")) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		definition := readResource(t, text)
		c.apply(definition)
		c.awaitKind(definition)
	}
	return c
}

// awaitKind waits until the server serves what was just defined.
func (c cluster) awaitKind(definition *unstructured.Unstructured) {
	c.t.Helper()
	eventually(c.t, func(ctx context.Context) error {
		client, err := c.resources(definition)
		if err != nil {
			return err
		}
		defined, err := client.Get(ctx, definition.GetName(), metav1.GetOptions{})
		if err != nil {
			return err
		}
		conditions, _, _ := unstructured.NestedSlice(defined.Object, "status", "conditions")
		for _, condition := range conditions {
			if c, ok := condition.(map[string]any); ok && c["type"] == "Established" && c["status"] == "True" {
				return nil
			}
		}
		return errors.New(definition.GetName() + " is not established")
	})
}

// resources returns the client for what a resource is, when the server knows it.
func (c cluster) resources(u *unstructured.Unstructured) (client dynamic.ResourceInterface, err error) {
	groups, err := restmapper.GetAPIGroupResources(discovery.NewDiscoveryClientForConfigOrDie(c.config))
	if err != nil {
		return nil, err
	}
	kind := u.GroupVersionKind()
	mapping, err := restmapper.NewDiscoveryRESTMapper(groups).RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	return c.client.Resource(mapping.Resource).Namespace(u.GetNamespace()), nil
}

// tryApply applies a resource as kubectl apply --server-side --validate=strict does.
func (c cluster) tryApply(u *unstructured.Unstructured) error {
	client, err := c.resources(u)
	if err != nil {
		return err
	}
	data, err := json.Marshal(u)
	if err != nil {
		return err
	}
	_, err = client.Patch(c.t.Context(), u.GetName(), types.ApplyPatchType, data, metav1.PatchOptions{
		FieldManager: fieldManager, FieldValidation: metav1.FieldValidationStrict,
	})
	return err
}

func (c cluster) apply(u *unstructured.Unstructured) {
	c.t.Helper()
	require.NoError(c.t, c.tryApply(u), "%s %s", u.GetKind(), u.GetName())
}

// applyRelease follows docs/deployment.md: the Job of the last release is deleted, then everything is applied.
func (c cluster) applyRelease(release []*unstructured.Unstructured) {
	c.t.Helper()
	for _, u := range release {
		if u.GetKind() == "Job" {
			policy := metav1.DeletePropagationBackground
			err := c.objects.BatchV1().Jobs(u.GetNamespace()).Delete(c.t.Context(), u.GetName(), metav1.DeleteOptions{PropagationPolicy: &policy})
			require.True(c.t, err == nil || apierrors.IsNotFound(err), err)
		}
		c.apply(u)
	}
}

// admit has the server admit the pods that Deployments and Jobs would make: it enforces Pod Security on pods only.
func (c cluster) admit(release []*unstructured.Unstructured) {
	c.t.Helper()
	pods := 0
	for _, u := range release {
		template := podTemplate(c.t, u)
		if template == nil {
			continue
		}
		pods++
		require.NoError(c.t, c.createPod(u.GetNamespace(), template.Spec), u.GetName())
	}
	require.Greater(c.t, pods, 8)
}

func (c cluster) createPod(namespace string, spec corev1.PodSpec) error {
	_, err := c.objects.CoreV1().Pods(namespace).Create(c.t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "pod-"}, Spec: spec},
		metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	return err
}

func podTemplate(t *testing.T, u *unstructured.Unstructured) *corev1.PodTemplateSpec {
	t.Helper()
	switch u.GetKind() {
	case "Deployment":
		var d appsv1.Deployment
		require.NoError(t, runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &d))
		return &d.Spec.Template
	case "Job":
		var j batchv1.Job
		require.NoError(t, runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &j))
		return &j.Spec.Template
	}
	return nil
}

func TestOverlaysApply(t *testing.T) {
	c := newCluster(t)
	for _, overlay := range overlays {
		release := render(t, overlay)
		c.applyRelease(release)
		c.admit(release)
		c.requireRefusals(release)
	}
	for _, example := range []string{"secret.example.yaml", "external-secret.example.yaml"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "kubernetes", example))
		require.NoError(t, err)
		u := readResource(t, text)
		u.SetNamespace("ticketing")
		c.apply(u)
	}
}

// requireRefusals shows that the server would not have taken anything else.
func (c cluster) requireRefusals(release []*unstructured.Unstructured) {
	c.t.Helper()
	for _, u := range release {
		if template := podTemplate(c.t, u); template != nil {
			template.Spec.HostNetwork = true
			require.ErrorContains(c.t, c.createPod(u.GetNamespace(), template.Spec), `violates PodSecurity "restricted`)
		}
		if u.GetKind() == "ScaledObject" || u.GetKind() == "Deployment" {
			wrong := u.DeepCopy()
			require.NoError(c.t, unstructured.SetNestedField(wrong.Object, "x", "spec", "noSuchField"))
			require.ErrorContains(c.t, c.tryApply(wrong), "noSuchField")
		}
	}
}

// What the previous release applied becomes what this one applies: nothing that can't be changed is, and no field is left over.
func TestUpgradeFromThePreviousRelease(t *testing.T) {
	c := newCluster(t)
	for _, overlay := range overlays {
		before := readRelease(t, overlay)
		c.applyRelease(before)
		after := render(t, overlay)
		c.applyRelease(after)
		c.admit(after)
		namespace := after[0].GetName()
		deployments, err := c.objects.AppsV1().Deployments(namespace).List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		want := 0
		for _, u := range after {
			if u.GetKind() == "Deployment" {
				want++
			}
		}
		require.Len(t, deployments.Items, want)
		for _, d := range deployments.Items {
			require.Len(t, d.Spec.Template.Spec.Containers, 1, d.Name)
		}
	}
}

// TestKeep writes what the next release is upgraded from.
func TestKeep(t *testing.T) {
	if *keep == "" {
		t.Skip("with -keep at a release")
	}
	for _, overlay := range overlays {
		var lines bytes.Buffer
		for _, u := range render(t, overlay) {
			line, err := json.Marshal(u)
			require.NoError(t, err)
			lines.Write(append(line, '\n'))
		}
		require.NoError(t, os.WriteFile("testdata/"+*keep+"-"+overlay+".jsonl", lines.Bytes(), 0o600))
	}
}

// render returns the resources of an overlay, as kubectl kustomize prints them.
func render(t *testing.T, overlay string) []*unstructured.Unstructured {
	t.Helper()
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionLegacy // namespaces first
	resources, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), "../../kubernetes/overlays/"+overlay)
	require.NoError(t, err)
	var release []*unstructured.Unstructured
	for _, resource := range resources.Resources() {
		text, err := resource.AsYAML()
		require.NoError(t, err)
		release = append(release, readResource(t, text))
	}
	return release
}

func readRelease(t *testing.T, overlay string) []*unstructured.Unstructured {
	t.Helper()
	text, err := os.ReadFile("testdata/" + previous + "-" + overlay + ".jsonl")
	require.NoError(t, err)
	var release []*unstructured.Unstructured
	for line := range strings.Lines(string(text)) {
		release = append(release, readResource(t, []byte(line)))
	}
	return release
}

func readResource(t *testing.T, text []byte) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	require.NoError(t, yaml.Unmarshal(text, &u.Object))
	return u
}
