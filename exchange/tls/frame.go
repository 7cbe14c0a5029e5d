package tls

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"gatehouse/exchange"
)

// Sizes on the wire, in bytes.
const (
	frameHead   = 12
	receiptSize = 40
	minEnvelope = 128 // its outer header
)

const (
	frameMagic   = "GHLF"
	receiptMagic = "GHLR"
	version      = 1
)

// answer is what a receipt says.
type answer byte

const (
	taken answer = 1 // it need not come again by itself
	later answer = 2 // try again
)

var (
	errFrame   = errors.New("not a frame of this link")
	errReceipt = errors.New("not the receipt of what was sent")
)

// frame is the envelope's bytes as they go on the wire.
func frame(envelope []byte) []byte {
	b := make([]byte, frameHead, frameHead+len(envelope))
	copy(b, frameMagic)
	b[4] = version
	binary.BigEndian.PutUint32(b[8:], uint32(len(envelope)))
	return append(b, envelope...)
}

// frameLength reads the head of a frame: how many bytes of an envelope follow.
func frameLength(head [frameHead]byte) (int, error) {
	n := binary.BigEndian.Uint32(head[8:])
	switch {
	case string(head[:4]) != frameMagic || head[4] != version || head[5] != 0 || head[6] != 0 || head[7] != 0:
		return 0, errFrame
	case n < minEnvelope || n > exchange.MaxEnvelope:
		return 0, fmt.Errorf("%w: it names %d bytes, not %d to %d", errFrame, n, minEnvelope, exchange.MaxEnvelope)
	}
	return int(n), nil
}

// readFrame gives the bytes of the next envelope; begun is called when its first byte is there. io.EOF: the peer ended
// between two frames.
func readFrame(r io.Reader, begun func() error) ([]byte, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:1]); err != nil {
		return nil, err
	}
	if err := begun(); err != nil {
		return nil, fmt.Errorf("read frame: %w", err)
	}
	if _, err := io.ReadFull(r, head[1:]); err != nil {
		return nil, cut(err)
	}
	n, err := frameLength(head)
	if err != nil {
		return nil, err
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, cut(err)
	}
	return b, nil
}

// cut is the error of a frame that does not end.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read frame: %w", err)
}

// receipt answers the envelope with that digest.
func receipt(digest [32]byte, a answer) []byte {
	b := make([]byte, 8, receiptSize)
	copy(b, receiptMagic)
	b[4], b[5] = version, byte(a)
	return append(b, digest[:]...)
}

// parseReceipt reads a receipt, of receiptSize bytes, of the envelope with that digest.
func parseReceipt(b []byte, digest [32]byte) (answer, error) {
	if len(b) != receiptSize {
		return 0, errReceipt
	}
	a := answer(b[5])
	if a != taken && a != later || string(b) != string(receipt(digest, a)) {
		return 0, errReceipt
	}
	return a, nil
}

func digestOf(envelope []byte) [32]byte { return sha256.Sum256(envelope) }
