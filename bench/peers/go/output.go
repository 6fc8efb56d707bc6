// output BYTES: reads so much from the ptmx on descriptor 3, as a receiver in Go does: a File, 32 KiB as io.Copy takes.
package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

func cpu() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

func main() {
	bytes, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	if err := syscall.SetNonblock(3, true); err != nil {
		panic(err)
	}
	ptmx := os.NewFile(3, "ptmx")
	into := make([]byte, 32*1024)
	take := func() int {
		n, err := ptmx.Read(into)
		if err != nil {
			panic(err)
		}
		return n
	}
	left := bytes - take()
	start, used := time.Now(), cpu()
	for left > 0 {
		left -= take()
	}
	fmt.Printf("{\"seconds\":%.6f,\"cpu\":%.6f}\n", time.Since(start).Seconds(), (cpu()-used)/float64(bytes)*(1<<30))
}
