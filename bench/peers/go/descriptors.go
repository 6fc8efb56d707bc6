// descriptors N: as descriptors.c with one descriptor, with the calls that runc makes: sockcmsg of the syscall package, a File for each descriptor.
package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	n, err := strconv.Atoi(os.Args[1])
	must(err)
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	must(err)
	file := os.Stdin
	data := make([]byte, 16)
	start := time.Now()
	for i := 0; i < n; i++ {
		must(syscall.Sendmsg(pair[0], data, syscall.UnixRights(int(file.Fd())), nil, 0))
		into := make([]byte, 4096)
		control := make([]byte, syscall.CmsgSpace(4))
		_, controlLength, _, _, err := syscall.Recvmsg(pair[1], into, control, syscall.MSG_CMSG_CLOEXEC)
		must(err)
		messages, err := syscall.ParseSocketControlMessage(control[:controlLength])
		must(err)
		fds, err := syscall.ParseUnixRights(&messages[0])
		must(err)
		must(os.NewFile(uintptr(fds[0]), "received").Close())
	}
	fmt.Printf("{\"seconds\":%.6f}\n", time.Since(start).Seconds())
}
