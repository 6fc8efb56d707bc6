// receiver SOCKET: listens, says "listening", receives one console as runc's recvtty does, and prints when its first byte
// came: {"firstByte":nanoseconds of CLOCK_MONOTONIC}.
package main

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"unsafe"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func monotonic() int64 {
	var now syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&now)), 0)
	return now.Nano()
}

func main() {
	listener, err := net.Listen("unix", os.Args[1])
	must(err)
	fmt.Println("listening")
	connection, err := listener.Accept()
	must(err)
	data, control := make([]byte, 4096), make([]byte, syscall.CmsgSpace(4))
	_, n, _, _, err := connection.(*net.UnixConn).ReadMsgUnix(data, control)
	must(err)
	messages, err := syscall.ParseSocketControlMessage(control[:n])
	must(err)
	fds, err := syscall.ParseUnixRights(&messages[0])
	must(err)
	_, err = syscall.Read(fds[0], data)
	must(err)
	fmt.Printf("{\"firstByte\":%d}\n", monotonic())
}
