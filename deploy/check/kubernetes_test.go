package check_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// manifests are the resources of an overlay as Kubernetes' own types.
type manifests struct {
	deployments map[string]*appsv1.Deployment
	jobs        []*batchv1.Job
	services    []*corev1.Service
	ingresses   []*networkingv1.Ingress
	budgets     map[string]*policyv1.PodDisruptionBudget
	scalers     []*autoscalingv2.HorizontalPodAutoscaler
	lagScalers  []*lagScaler
	namespace   string
	configs     map[string]map[string]string
	policies    []*networkingv1.NetworkPolicy
}

// lagScaler is what is checked of a ScaledObject of KEDA. Its definition, and those of the Prometheus operator, check it in deploy/check/cluster.
type lagScaler struct {
	Spec struct {
		ScaleTargetRef struct{ Name string }
		Triggers       []struct{ Metadata map[string]string }
	}
}

// renderOverlay builds an overlay as kubectl apply -k does, and decodes it strictly: an unknown field is an error.
func renderOverlay(t *testing.T, overlay string) manifests {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "../kubernetes/overlays/"+overlay)
	require.NoError(t, err)
	m := manifests{
		deployments: map[string]*appsv1.Deployment{}, budgets: map[string]*policyv1.PodDisruptionBudget{}, configs: map[string]map[string]string{},
	}
	for _, resource := range resources.Resources() {
		text, err := resource.AsYAML()
		require.NoError(t, err)
		kind := resource.GetGvk().Group + "/" + resource.GetGvk().Version + " " + resource.GetKind()
		switch kind {
		case "apps/v1 Deployment":
			m.deployments[resource.GetName()] = decodeStrictly[appsv1.Deployment](t, text)
		case "batch/v1 Job":
			m.jobs = append(m.jobs, decodeStrictly[batchv1.Job](t, text))
		case "/v1 Service":
			m.services = append(m.services, decodeStrictly[corev1.Service](t, text))
		case "networking.k8s.io/v1 Ingress":
			m.ingresses = append(m.ingresses, decodeStrictly[networkingv1.Ingress](t, text))
		case "networking.k8s.io/v1 NetworkPolicy":
			m.policies = append(m.policies, decodeStrictly[networkingv1.NetworkPolicy](t, text))
		case "policy/v1 PodDisruptionBudget":
			m.budgets[resource.GetName()] = decodeStrictly[policyv1.PodDisruptionBudget](t, text)
		case "autoscaling/v2 HorizontalPodAutoscaler":
			m.scalers = append(m.scalers, decodeStrictly[autoscalingv2.HorizontalPodAutoscaler](t, text))
		case "/v1 ConfigMap":
			if config := decodeStrictly[corev1.ConfigMap](t, text); config.Labels["grafana_dashboard"] == "" {
				m.configs[config.Name] = config.Data
			}
		case "/v1 ServiceAccount":
			decodeStrictly[corev1.ServiceAccount](t, text)
		case "/v1 Namespace":
			namespace := decodeStrictly[corev1.Namespace](t, text)
			require.Equal(t, "restricted", namespace.Labels["pod-security.kubernetes.io/enforce"])
			m.namespace = namespace.Name
		case "keda.sh/v1alpha1 ScaledObject":
			var scaler lagScaler
			require.NoError(t, yaml.Unmarshal(text, &scaler))
			m.lagScalers = append(m.lagScalers, &scaler)
		case "monitoring.coreos.com/v1 ServiceMonitor", "monitoring.coreos.com/v1 PrometheusRule":
		default:
			require.Fail(t, "unknown kind", kind)
		}
	}
	return m
}

func decodeStrictly[T any](t *testing.T, text []byte) *T {
	t.Helper()
	data, err := yaml.YAMLToJSONStrict(text)
	require.NoError(t, err, string(text))
	var resource T
	unknown, err := kjson.UnmarshalStrict(data, &resource) // as the API server does, it knows upper case from lower case
	require.NoError(t, err, string(text))
	require.Empty(t, unknown, string(text))
	return &resource
}

func eachOverlay(t *testing.T, check func(t *testing.T, m manifests)) {
	t.Helper()
	t.Parallel()
	for _, overlay := range []string{"staging", "production"} {
		t.Run(overlay, func(t *testing.T) {
			t.Parallel()
			check(t, renderOverlay(t, overlay))
		})
	}
}

func TestPodsRunPartsOfTheProduct(t *testing.T) {
	eachOverlay(t, func(t *testing.T, m manifests) {
		t.Helper()
		known, commands := environmentNames(t), listSubcommands(t)
		require.Len(t, m.jobs, 1)
		require.Equal(t, []string{"migrate", "up"}, m.jobs[0].Spec.Template.Spec.Containers[0].Args)
		requireRestricted(t, m.jobs[0].Spec.Template.Spec)
		for _, source := range m.jobs[0].Spec.Template.Spec.Containers[0].EnvFrom {
			require.Nil(t, source.ConfigMapRef, "it runs before the release's ConfigMap is applied")
		}
		for name, d := range m.deployments {
			pod := d.Spec.Template
			requireRestricted(t, pod.Spec)
			require.Subset(t, pod.Labels, d.Spec.Selector.MatchLabels, name)
			require.Equal(t, d.Spec.Selector.MatchLabels, m.budgets[name].Spec.Selector.MatchLabels, name)
			for other, o := range m.deployments {
				require.True(t, other == name || !maps.Equal(o.Spec.Selector.MatchLabels, d.Spec.Selector.MatchLabels), "%s and %s select the same pods", name, other)
			}
			for _, spread := range pod.Spec.TopologySpreadConstraints {
				require.Subset(t, pod.Labels, spread.LabelSelector.MatchLabels, name)
			}
			require.NotEmpty(t, pod.Spec.TopologySpreadConstraints, name)
			container := pod.Spec.Containers[0]
			require.Contains(t, commands, container.Args[0], name)
			require.Contains(t, container.Image, ":v", "%s: a version is pinned", name)
			requirePorts(t, known, container)
			require.Contains(t, m.configs, container.EnvFrom[0].ConfigMapRef.Name, name)
		}
		for _, config := range m.configs {
			for variable := range config {
				require.Contains(t, known, variable)
			}
		}
	})
}

// requireRestricted checks what Pod Security's profile "restricted" demands, and a root that can't be written to.
func requireRestricted(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	require.False(t, *pod.AutomountServiceAccountToken)
	require.True(t, *pod.SecurityContext.RunAsNonRoot)
	require.Equal(t, corev1.SeccompProfileTypeRuntimeDefault, pod.SecurityContext.SeccompProfile.Type)
	for _, c := range pod.Containers {
		require.False(t, *c.SecurityContext.AllowPrivilegeEscalation)
		require.True(t, *c.SecurityContext.ReadOnlyRootFilesystem)
		require.Equal(t, []corev1.Capability{"ALL"}, c.SecurityContext.Capabilities.Drop)
		require.NotZero(t, c.Resources.Limits.Memory().Value(), "the garbage collector goes by the limit")
		require.NotZero(t, c.Resources.Requests.Cpu().MilliValue())
	}
}

// requirePorts checks that probes ask for paths that the product serves, on ports that it listens on.
func requirePorts(t *testing.T, known map[string]string, c corev1.Container) {
	t.Helper()
	routes := readFile(t, "../../cmd/parts/health.go")
	ports := map[string]string{}
	for _, port := range c.Ports {
		ports[port.Name] = map[int32]string{8080: "PORT", 9090: "METRICS_PORT"}[port.ContainerPort]
		require.NotEmpty(t, known[ports[port.Name]], c.Name)
	}
	for _, probe := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		require.Contains(t, routes, `"GET `+probe.HTTPGet.Path+`"`, c.Name)
		require.Contains(t, ports, probe.HTTPGet.Port.StrVal, c.Name)
	}
	require.Equal(t, "/health/live", c.LivenessProbe.HTTPGet.Path, "a dependency that is away is no reason for a restart")
}

// What a pod does before it is killed fits into its grace period.
func TestGracePeriodsFitTheDrain(t *testing.T) {
	eachOverlay(t, func(t *testing.T, m manifests) {
		t.Helper()
		const shutdownDelay, shutdownTimeout = 10, 30
		for name, d := range m.deployments {
			pod := d.Spec.Template.Spec
			needed := int64(shutdownTimeout)
			if name == "api" {
				needed += shutdownDelay + pod.Containers[0].Lifecycle.PreStop.Sleep.Seconds
			}
			require.Greater(t, *pod.TerminationGracePeriodSeconds, needed, name)
		}
		for _, config := range m.configs {
			require.Equal(t, "10s", config["SHUTDOWN_DELAY"])
			require.Equal(t, "30s", config["SHUTDOWN_TIMEOUT"])
		}
	})
}

func TestTrafficReachesTheAPI(t *testing.T) {
	eachOverlay(t, func(t *testing.T, m manifests) {
		t.Helper()
		api := m.deployments["api"]
		service := m.services[slices.IndexFunc(m.services, func(s *corev1.Service) bool { return s.Name == "api" })]
		require.Subset(t, api.Spec.Template.Labels, service.Spec.Selector)
		require.True(t, slices.ContainsFunc(api.Spec.Template.Spec.Containers[0].Ports, func(p corev1.ContainerPort) bool {
			return p.Name == service.Spec.Ports[0].TargetPort.StrVal
		}))
		require.Len(t, m.ingresses, 1)
		ingress := m.ingresses[0].Spec
		backend := ingress.Rules[0].HTTP.Paths[0].Backend.Service
		require.Equal(t, service.Name, backend.Name)
		require.Equal(t, service.Spec.Ports[0].Name, backend.Port.Name)
		require.Equal(t, []string{ingress.Rules[0].Host}, ingress.TLS[0].Hosts)
		for _, config := range m.configs {
			require.Equal(t, "https://"+ingress.Rules[0].Host, config["AUTH_BASE_URL"], "mailed links lead to the ingress")
		}
		for _, timeout := range []string{"proxy-read-timeout", "proxy-send-timeout"} {
			require.Equal(t, "3600", m.ingresses[0].Annotations["nginx.ingress.kubernetes.io/"+timeout], "subscriptions stay open")
		}
	})
}

func TestNothingMayTalkUnlessSaid(t *testing.T) {
	eachOverlay(t, func(t *testing.T, m manifests) {
		t.Helper()
		require.True(t, slices.ContainsFunc(m.policies, func(p *networkingv1.NetworkPolicy) bool {
			return len(p.Spec.PodSelector.MatchLabels) == 0 && len(p.Spec.PolicyTypes) == 2 && len(p.Spec.Ingress)+len(p.Spec.Egress) == 0
		}))
		for _, p := range m.policies {
			selector, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
			require.NoError(t, err)
			require.True(t, slices.ContainsFunc(slices.Collect(maps.Values(m.deployments)), func(d *appsv1.Deployment) bool {
				return selector.Matches(labels.Set(d.Spec.Template.Labels))
			}), "%s selects no pod", p.Name)
		}
	})
}

// The example of the Secret has no other names than the programs read, and only those that are secret or hold one.
func TestTheSecretsNamesAreKnown(t *testing.T) {
	t.Parallel()
	known := environmentNames(t)
	secret := decodeStrictly[corev1.Secret](t, []byte(readFile(t, "../kubernetes/secret.example.yaml")))
	for name, value := range secret.StringData {
		require.Contains(t, known, name)
		require.True(t, strings.Contains(value, "PASSWORD") || strings.HasSuffix(value, "KEY") || value == "SECRET", name)
	}
}
