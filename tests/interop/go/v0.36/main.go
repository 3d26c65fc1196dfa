// Command kms-client drives a KMS v2 provider with the client that the Kubernetes API server itself uses, and prints
// one line of JSON with what it saw. The exit status is 0 when every call got an answer as expected of a healthy
// provider, 1 when the provider answered something else, 2 when it could not be reached.
//
// The folders v0.31 and v0.36 hold the same program against two versions of k8s.io/apiserver: up to 0.31 the client
// sends the socket's path as :authority, from 0.32 on "localhost".
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"k8s.io/apiserver/pkg/storage/value/encrypt/envelope/kmsv2"
	"k8s.io/kms/pkg/service"
)

type result struct {
	Version     string   `json:"version"`
	Healthz     string   `json:"healthz"`
	KeyID       string   `json:"key_id"`
	CipherSize  int      `json:"ciphertext_size"`
	CipherKeyID string   `json:"ciphertext_key_id"`
	Annotations int      `json:"annotations_size"`
	RoundTrip   bool     `json:"round_trip"`
	OtherUID    bool     `json:"other_uid"`
	Corrupted   string   `json:"corrupted"`
	Truncated   string   `json:"truncated"`
	UnknownKey  string   `json:"unknown_key_id"`
	Distinct    bool     `json:"distinct_ciphertexts"`
	Concurrent  int      `json:"concurrent_ok"`
	Errors      []string `json:"errors"`
}

func main() {
	endpoint := flag.String("endpoint", "", "unix:///path/of/the/socket")
	timeout := flag.Duration("timeout", 3*time.Second, "the limit of each call")
	concurrent := flag.Int("concurrent", 32, "how many encrypt and decrypt at once")
	flag.Parse()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	provider, err := kmsv2.NewGRPCService(ctx, *endpoint, "interop", *timeout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "the endpoint is not usable:", err)
		os.Exit(2)
	}
	seen, err := drive(ctx, provider, *concurrent)
	if printed := json.NewEncoder(os.Stdout).Encode(seen); printed != nil {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "the provider did not answer:", err)
		os.Exit(2)
	}
	if len(seen.Errors) > 0 {
		os.Exit(1)
	}
}

// drive returns an error when the provider cannot be talked to at all; wrong answers are in result.Errors.
func drive(ctx context.Context, provider service.Service, concurrent int) (*result, error) {
	seen := &result{Errors: []string{}}
	wrong := func(format string, args ...any) { seen.Errors = append(seen.Errors, fmt.Sprintf(format, args...)) }

	state, err := provider.Status(ctx)
	if err != nil {
		return seen, fmt.Errorf("status: %w", err)
	}
	seen.Version, seen.Healthz, seen.KeyID = state.Version, state.Healthz, state.KeyID
	if state.Healthz != "ok" {
		wrong("healthz is %q", state.Healthz)
	}

	seed := random(32)
	sealed, err := provider.Encrypt(ctx, "uid-of-encrypt", seed)
	if err != nil {
		return seen, fmt.Errorf("encrypt: %w", err)
	}
	seen.CipherSize, seen.CipherKeyID = len(sealed.Ciphertext), sealed.KeyID
	for key, value := range sealed.Annotations {
		seen.Annotations += len(key) + len(value)
	}
	if sealed.KeyID != state.KeyID {
		wrong("encrypt says key_id %q, status %q", sealed.KeyID, state.KeyID)
	}
	if size := len(sealed.Ciphertext); size == 0 || size > 1024 {
		wrong("a ciphertext of %d bytes, which the API server refuses", size)
	}

	plain, err := provider.Decrypt(ctx, "uid-of-encrypt", request(sealed))
	if seen.RoundTrip = err == nil && bytes.Equal(plain, seed); !seen.RoundTrip {
		wrong("decrypt: %v", err)
	}
	plain, err = provider.Decrypt(ctx, "another-uid", request(sealed))
	if seen.OtherUID = err == nil && bytes.Equal(plain, seed); !seen.OtherUID {
		wrong("decrypt with another uid: %v", err)
	}
	again, err := provider.Encrypt(ctx, "uid-of-encrypt", seed)
	if seen.Distinct = err == nil && !bytes.Equal(again.Ciphertext, sealed.Ciphertext); !seen.Distinct {
		wrong("two ciphertexts of one plaintext are equal, or: %v", err)
	}

	corrupted := request(sealed)
	corrupted.Ciphertext = bytes.Clone(sealed.Ciphertext)
	corrupted.Ciphertext[len(corrupted.Ciphertext)/2] ^= 1
	seen.Corrupted = refused(ctx, provider, corrupted, seen)
	truncated := request(sealed)
	truncated.Ciphertext = sealed.Ciphertext[:len(sealed.Ciphertext)-1]
	seen.Truncated = refused(ctx, provider, truncated, seen)
	unknown := request(sealed)
	unknown.KeyID = "a-key-that-never-was"
	seen.UnknownKey = refused(ctx, provider, unknown, seen)

	seen.Concurrent = together(ctx, provider, concurrent)
	if seen.Concurrent != concurrent {
		wrong("%d of %d round trips at once went well", seen.Concurrent, concurrent)
	}
	return seen, nil
}

func refused(ctx context.Context, provider service.Service, bad *service.DecryptRequest, seen *result) string {
	_, err := provider.Decrypt(ctx, "uid-of-a-bad-request", bad)
	code := status.Code(err)
	if err == nil || code == codes.Unavailable || code == codes.DeadlineExceeded {
		seen.Errors = append(seen.Errors, fmt.Sprintf("a bad request was answered by %s", code))
	}
	return code.String()
}

func together(ctx context.Context, provider service.Service, count int) int {
	var group sync.WaitGroup
	var lock sync.Mutex
	good := 0
	for range count {
		group.Add(1)
		go func() {
			defer group.Done()
			seed := random(32)
			sealed, err := provider.Encrypt(ctx, "uid-of-many", seed)
			if err != nil {
				return
			}
			plain, err := provider.Decrypt(ctx, "uid-of-many", request(sealed))
			if err == nil && bytes.Equal(plain, seed) {
				lock.Lock()
				good++
				lock.Unlock()
			}
		}()
	}
	group.Wait()
	return good
}

func request(sealed *service.EncryptResponse) *service.DecryptRequest {
	return &service.DecryptRequest{Ciphertext: sealed.Ciphertext, KeyID: sealed.KeyID, Annotations: sealed.Annotations}
}

func random(size int) []byte {
	out := make([]byte, size)
	if _, err := rand.Read(out); err != nil {
		panic(err)
	}
	return out
}
