// Command crdcheck asks the code of the Kubernetes API server itself about custom resources, without a server.
//
//	crdcheck crds DIR            validates every CRD in DIR (structural schema, CEL types and cost); NDJSON out
//	crdcheck objects DIR < FILE  reads {"object": …, "old": …} per line, writes {"errors": […], "object": …} per line
//
// An object is treated as on create, or on update where old is given: nulls dropped, defaults applied, unknown fields
// pruned, then schema, list types and CEL rules validated.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apimachineryvalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

func main() {
	if len(os.Args) != 3 {
		fail("usage: crdcheck crds|objects DIR")
	}
	crds, err := loadCrds(os.Args[2])
	if err != nil {
		fail(err.Error())
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	switch os.Args[1] {
	case "crds":
		for _, crd := range crds {
			errs := crdvalidation.ValidateCustomResourceDefinition(context.Background(), crd)
			write(out, map[string]any{"crd": crd.Name, "errors": texts(errs)})
		}
	case "objects":
		if err := checkObjects(crds, out); err != nil {
			fail(err.Error())
		}
	default:
		fail("usage: crdcheck crds|objects DIR")
	}
}

func loadCrds(folder string) ([]*apiextensions.CustomResourceDefinition, error) {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	sort.Strings(files)
	var crds []*apiextensions.CustomResourceDefinition
	for _, file := range files {
		bytes, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		object, _, err := decoder.Decode(bytes, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		v1, ok := object.(*apiextensionsv1.CustomResourceDefinition)
		if !ok {
			return nil, fmt.Errorf("%s: not a CustomResourceDefinition", file)
		}
		scheme.Default(v1)
		v1.Status.StoredVersions = []string{"v1alpha1"}
		crd := &apiextensions.CustomResourceDefinition{}
		if err := scheme.Convert(v1, crd, nil); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		crds = append(crds, crd)
	}
	return crds, nil
}

// kind is what the server keeps per custom resource version.
type kind struct {
	namespaced bool
	structural *structuralschema.Structural
	schema     validation.SchemaValidator
	rules      *cel.Validator
}

func newKind(crd *apiextensions.CustomResourceDefinition) (*kind, error) {
	// The internal form keeps a schema that all versions share in one place.
	props := crd.Spec.Validation
	if props == nil {
		props = crd.Spec.Versions[0].Schema
	}
	structural, err := structuralschema.NewStructural(props.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	schema, _, err := validation.NewSchemaValidator(props.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	return &kind{
		namespaced: crd.Spec.Scope == apiextensions.NamespaceScoped,
		structural: structural,
		schema:     schema,
		rules:      cel.NewValidator(structural, true, celconfig.PerCallLimit),
	}, nil
}

func checkObjects(crds []*apiextensions.CustomResourceDefinition, out *bufio.Writer) error {
	kinds := map[string]*kind{}
	for _, crd := range crds {
		built, err := newKind(crd)
		if err != nil {
			return fmt.Errorf("%s: %w", crd.Name, err)
		}
		kinds[crd.Spec.Names.Kind] = built
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 0, 1<<20), 8<<20)
	for in.Scan() {
		var line struct {
			Object json.RawMessage `json:"object"`
			Old    json.RawMessage `json:"old"`
		}
		if err := json.Unmarshal(in.Bytes(), &line); err != nil {
			return err
		}
		write(out, check(kinds, line.Object, line.Old))
	}
	return in.Err()
}

func check(kinds map[string]*kind, raw, oldRaw json.RawMessage) map[string]any {
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(raw); err != nil {
		return map[string]any{"errors": []string{err.Error()}}
	}
	k, ok := kinds[object.GetKind()]
	if !ok {
		return map[string]any{"errors": []string{fmt.Sprintf("no matches for kind %q", object.GetKind())}}
	}
	admit(k, object)
	var old *unstructured.Unstructured
	if len(oldRaw) > 0 && string(oldRaw) != "null" {
		old = &unstructured.Unstructured{}
		if err := old.UnmarshalJSON(oldRaw); err != nil {
			return map[string]any{"errors": []string{err.Error()}}
		}
		admit(k, old)
	}
	return map[string]any{"errors": texts(validate(k, object, old)), "object": object.Object}
}

// admit does to a decoded object what the server does before validation.
func admit(k *kind, object *unstructured.Unstructured) {
	defaulting.PruneNonNullableNullsWithoutDefaults(object.Object, k.structural)
	defaulting.Default(object.Object, k.structural)
	pruning.Prune(object.Object, k.structural, true)
}

func validate(k *kind, object, old *unstructured.Unstructured) field.ErrorList {
	errs := apimachineryvalidation.ValidateObjectMetaAccessor(
		object, k.namespaced, apimachineryvalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, validation.ValidateCustomResource(nil, object.Object, k.schema)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, k.structural, object.Object)...)
	if k.rules == nil {
		return errs
	}
	for _, err := range errs {
		switch err.Type {
		case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany,
			field.ErrorTypeTypeInvalid:
			return errs // As on the server: rules are not evaluated on what is not well-formed.
		}
	}
	var oldObject any
	if old != nil {
		oldObject = old.Object
	}
	celErrs, _ := k.rules.Validate(
		context.Background(), nil, k.structural, object.Object, oldObject, celconfig.RuntimeCELCostBudget)
	return append(errs, celErrs...)
}

func texts(errs field.ErrorList) []string {
	out := make([]string, 0, len(errs))
	for _, err := range errs {
		out = append(out, err.Error())
	}
	return out
}

func write(out *bufio.Writer, value any) {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		fail(err.Error())
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(2)
}
