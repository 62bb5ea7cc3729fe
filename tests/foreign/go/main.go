// Verifies a log's files with golang.org/x/mod/sumdb, the packages that Go's own module log is verified with:
//
//	foreign DIR
//
// DIR holds the log as it lies in the bucket under its origin, and log.vkey. What is here is glue: where a tile lies,
// what a checkpoint's lines mean. It verifies the signature of every checkpoint, every leaf to the root of every
// checkpoint, every tile, the consistency of each checkpoint with the one before it, the inclusion of a hundred leaves
// spread over the log, and each .tlog-proof that lies there. It prints how many as JSON, or says what is wrong.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height  = 8
	full    = 1 << height
	samples = 100
)

type counts struct {
	Size        int64 `json:"size"`
	Checkpoints int   `json:"checkpoints"`
	Leaves      int   `json:"leaves"`
	Inclusion   int   `json:"inclusion"`
	Consistency int   `json:"consistency"`
	Proofs      int   `json:"proofs"`
}

// A log in a directory. It is also the reader of its tiles.
type files struct {
	dir      string
	verifier note.Verifier
	tiles    map[string][]byte
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: foreign DIR")
		os.Exit(2)
	}
	found, err := verify(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "BROKEN:", err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(found)
}

func verify(dir string) (*counts, error) {
	vkey, err := os.ReadFile(filepath.Join(dir, "log.vkey"))
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return nil, err
	}
	log := &files{dir, verifier, map[string][]byte{}}
	newest, err := log.checkpoint("checkpoint")
	if err != nil {
		return nil, err
	}
	all, err := log.checkpoints()
	if err != nil {
		return nil, err
	}
	if len(all) == 0 || all[len(all)-1] != newest {
		return nil, errors.New("checkpoint is not the last of checkpoints/")
	}
	leaves, err := log.leaves(newest.N)
	if err != nil {
		return nil, err
	}
	if err := log.roots(leaves, all); err != nil {
		return nil, err
	}
	if err := log.allTiles(newest, leaves); err != nil {
		return nil, err
	}
	inclusion, err := log.inclusion(newest, leaves)
	if err != nil {
		return nil, err
	}
	consistency, err := log.consistency(all)
	if err != nil {
		return nil, err
	}
	proofs, err := log.proofs(leaves)
	if err != nil {
		return nil, err
	}
	return &counts{newest.N, len(all), len(leaves), inclusion, consistency, proofs}, nil
}

func (l *files) read(path string) ([]byte, error) {
	return os.ReadFile(filepath.Join(l.dir, filepath.FromSlash(path)))
}

func (l *files) checkpoint(path string) (tlog.Tree, error) {
	text, err := l.read(path)
	if err != nil {
		return tlog.Tree{}, err
	}
	tree, err := l.open(text)
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("%s: %w", path, err)
	}
	return tree, nil
}

// The body of a checkpoint is its origin, size and root, a line each.
func (l *files) open(text []byte) (tlog.Tree, error) {
	signed, err := note.Open(text, note.VerifierList(l.verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) < 4 || lines[0] != l.verifier.Name() {
		return tlog.Tree{}, errors.New("not a checkpoint of " + l.verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// In the order of their sizes, which their names spell with leading zeros.
func (l *files) checkpoints() ([]tlog.Tree, error) {
	entries, err := os.ReadDir(filepath.Join(l.dir, "checkpoints"))
	if err != nil {
		return nil, err
	}
	var all []tlog.Tree
	for _, entry := range entries {
		tree, err := l.checkpoint("checkpoints/" + entry.Name())
		if err != nil {
			return nil, err
		}
		if entry.Name() != fmt.Sprintf("%020d", tree.N) {
			return nil, fmt.Errorf("checkpoints/%s is of %d leaves", entry.Name(), tree.N)
		}
		all = append(all, tree)
	}
	return all, nil
}

func (l *files) leaves(size int64) ([]tlog.Hash, error) {
	leaves := make([]tlog.Hash, 0, size)
	for n := int64(0); n*full < size; n++ {
		tile := tlog.Tile{H: height, L: -1, N: n, W: width(size - n*full)}
		bundle, err := l.read(path(tile))
		if err != nil {
			return nil, err
		}
		for i := 0; i < tile.W; i++ {
			if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
				return nil, fmt.Errorf("%s ends within entry %d", path(tile), i)
			}
			length := 2 + int(binary.BigEndian.Uint16(bundle))
			leaves = append(leaves, tlog.RecordHash(bundle[2:length]))
			bundle = bundle[length:]
		}
		if len(bundle) > 0 {
			return nil, fmt.Errorf("%s goes on after its last entry", path(tile))
		}
	}
	return leaves, nil
}

// The leaves lead to the root of every checkpoint.
func (l *files) roots(leaves []tlog.Hash, all []tlog.Tree) error {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = stored[index]
		}
		return hashes, nil
	})
	for n, leaf := range leaves {
		hashes, err := tlog.StoredHashesForRecordHash(int64(n), leaf, reader)
		if err != nil {
			return err
		}
		stored = append(stored, hashes...)
	}
	for _, tree := range all {
		root, err := tlog.TreeHash(tree.N, reader)
		if err != nil {
			return err
		}
		if root != tree.Hash {
			return fmt.Errorf("the first %d leaves do not lead to the root of their checkpoint", tree.N)
		}
	}
	return nil
}

// Every tile of the newest tree leads to its root, and holds the leaves' hashes.
func (l *files) allTiles(newest tlog.Tree, leaves []tlog.Hash) error {
	indexes := make([]int64, len(leaves))
	for n := range leaves {
		indexes[n] = tlog.StoredHashIndex(0, int64(n))
	}
	hashes, err := tlog.TileHashReader(newest, l).ReadHashes(indexes)
	if err != nil {
		return err
	}
	for n := range leaves {
		if hashes[n] != leaves[n] {
			return fmt.Errorf("leaf %d is another in its tile", n)
		}
	}
	return nil
}

func (l *files) inclusion(newest tlog.Tree, leaves []tlog.Hash) (int, error) {
	count := int64(samples)
	if newest.N < count {
		count = newest.N
	}
	reader := tlog.TileHashReader(newest, l)
	for i := int64(0); i < count; i++ {
		n := int64(0)
		if count > 1 {
			n = i * (newest.N - 1) / (count - 1)
		}
		proof, err := tlog.ProveRecord(newest.N, n, reader)
		if err != nil {
			return 0, err
		}
		if err := tlog.CheckRecord(proof, newest.N, newest.Hash, n, leaves[n]); err != nil {
			return 0, fmt.Errorf("leaf %d: %w", n, err)
		}
	}
	return int(count), nil
}

// Each proof is made from the tiles as they stood at its newer checkpoint.
func (l *files) consistency(all []tlog.Tree) (int, error) {
	for i := 1; i < len(all); i++ {
		older, newer := all[i-1], all[i]
		proof, err := tlog.ProveTree(newer.N, older.N, tlog.TileHashReader(newer, l))
		if err != nil {
			return 0, fmt.Errorf("%d to %d: %w", older.N, newer.N, err)
		}
		if err := tlog.CheckTree(proof, newer.N, newer.Hash, older.N, older.Hash); err != nil {
			return 0, fmt.Errorf("%d to %d: %w", older.N, newer.N, err)
		}
	}
	return len(all) - 1, nil
}

// C2SP tlog-proof: a header, perhaps extra data, the index, hashes, an empty line, the checkpoint.
func (l *files) proofs(leaves []tlog.Hash) (int, error) {
	paths, err := filepath.Glob(filepath.Join(l.dir, "*.tlog-proof"))
	if err != nil {
		return 0, err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		if err := l.proof(text, leaves); err != nil {
			return 0, fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
	}
	return len(paths), nil
}

func (l *files) proof(text []byte, leaves []tlog.Hash) error {
	head, checkpoint, _ := bytes.Cut(text, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("not a proof")
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return errors.New("it has no index")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "index "), 10, 64)
	if err != nil || index < 0 || index >= int64(len(leaves)) {
		return errors.New("its index is none of the log")
	}
	var proof tlog.RecordProof
	for _, line := range lines[1:] {
		hash, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(hash) != tlog.HashSize {
			return errors.New("a line is no hash")
		}
		proof = append(proof, tlog.Hash{})
		copy(proof[len(proof)-1][:], hash)
	}
	tree, err := l.open(checkpoint)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaves[index])
}

// Height, ReadTiles and SaveTiles make it a tlog.TileReader.
func (l *files) Height() int { return height }

func (l *files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		bytes, err := l.tile(tile)
		if err != nil {
			return nil, err
		}
		data[i] = bytes
	}
	return data, nil
}

func (l *files) SaveTiles([]tlog.Tile, [][]byte) {}

func (l *files) tile(tile tlog.Tile) ([]byte, error) {
	want, name := tile.W*tlog.HashSize, path(tile)
	if data, ok := l.tiles[name]; ok {
		return data, nil
	}
	data, err := l.read(name)
	if errors.Is(err, os.ErrNotExist) && tile.W < full {
		// Where a partial tile is gone, the full one that it grew into has its hashes.
		whole := tile
		whole.W = full
		if data, err = l.read(path(whole)); err == nil && len(data) == full*tlog.HashSize {
			data = data[:want]
		}
	}
	if err != nil {
		return nil, err
	}
	if len(data) != want {
		return nil, fmt.Errorf("%s has %d bytes instead of %d", name, len(data), want)
	}
	l.tiles[name] = data
	return data, nil
}

// Where C2SP puts what Go calls tile/8/L/N and tile/8/data/N.
func path(tile tlog.Tile) string {
	name := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
	return "tile/" + strings.Replace(name, "data/", "entries/", 1)
}

func width(rest int64) int {
	if rest > full {
		return full
	}
	return int(rest)
}
