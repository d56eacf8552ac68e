// Trillian in one process and in memory, for the logs of a Sigstore that lives as long as a test: log server, admin
// server and sequencer. Its one argument is where it listens (gRPC); it prints `log ID` for each of two new logs.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/extension"
	sequencing "github.com/google/trillian/log"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/server"
	"github.com/google/trillian/server/admin"
	"github.com/google/trillian/server/interceptor"
	"github.com/google/trillian/storage/memory"
	"github.com/google/trillian/util/clock"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"
)

func main() {
	ctx := context.Background()
	trees := memory.NewTreeStorage()
	registry := extension.Registry{
		AdminStorage: memory.NewAdminStorage(trees),
		LogStorage:   memory.NewLogStorage(trees, nil),
		QuotaManager: quota.Noop(),
	}
	admins := admin.New(registry, nil)
	logs := server.NewTrillianLogRPCServer(registry, clock.System)
	for range 2 {
		tree, err := admins.CreateTree(ctx, &trillian.CreateTreeRequest{Tree: &trillian.Tree{
			TreeState:       trillian.TreeState_ACTIVE,
			TreeType:        trillian.TreeType_LOG,
			MaxRootDuration: durationpb.New(time.Hour),
		}})
		if err != nil {
			log.Fatal(err)
		}
		if _, err := logs.InitLog(ctx, &trillian.InitLogRequest{LogId: tree.TreeId}); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("log %d\n", tree.TreeId)
	}

	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	requests := grpc.NewServer(grpc.UnaryInterceptor(interceptor.ErrorWrapper))
	trillian.RegisterTrillianAdminServer(requests, admins)
	trillian.RegisterTrillianLogServer(requests, logs)
	go sequencing.NewOperationManager(sequencing.OperationInfo{
		Registry:    registry,
		BatchSize:   50,
		NumWorkers:  2,
		RunInterval: 100 * time.Millisecond,
		TimeSource:  clock.System,
	}, sequencing.NewSequencerManager(registry, 0)).OperationLoop(ctx)
	log.Fatal(requests.Serve(listener))
}
